"""Currents and motions of cells with a state, from their papers' equations, in mpmath: for tests alone."""

from mpmath import mp, mpf

from xbarsim.devices import VTEAM


def window(word, k, y, rising):
    match word:
        case "none":
            return mpf(1)
        case "joglekar":
            return 1 - (2 * y - 1) ** (2 * k)
        case "biolek":
            return 1 - (y - (0 if rising else 1)) ** (2 * k)
        case "prodromakis":
            return 1 - ((y - mpf(1) / 2) ** 2 + mpf(3) / 4) ** k
    raise ValueError(word)


def vteam(d, v, x):
    y = (x - d["x_on"]) / (d["x_off"] - d["x_on"])
    if d["curve"] == "linear":
        i = v / (d["r_on"] + (d["r_off"] - d["r_on"]) * y)
    else:
        i = v / d["r_on"] * (d["r_off"] / d["r_on"]) ** -y
    if v > d["v_off"]:
        f = d["k_off"] * (v / d["v_off"] - 1) ** d["alpha_off"] * window(d["window"], d["exponent"], y, True)
    elif v < d["v_on"]:
        f = d["k_on"] * (v / d["v_on"] - 1) ** d["alpha_on"] * window(d["window"], d["exponent"], y, False)
    else:
        f = mpf(0)
    return i, f


LAWS = {VTEAM: vteam}


def parameters(device, index=()):
    """A device's options, its numbers as mpf; of the cell at ``index`` where there is one number a cell."""
    values = {}
    for option in device.options:
        value = getattr(device, option.name)
        if option.numeric:
            value = mpf(float(value[index] if value.ndim else value))
        values[option.name] = value
    return values


def law(device, v, x, index=()):
    """``(i, di/dv, di/dx, f, df/dv, df/dx)`` as mpf, derivatives by mpmath's differences."""
    values, equations = parameters(device, index), LAWS[type(device)]
    with mp.workdps(60):
        v, x = mpf(float(v)), mpf(float(x))
        small = mpf(10) ** -25
        units = (small, small * max(abs(x), mpf(10) ** -9))
        at = equations(values, v, x)
        by_v = [
            (up - down) / (2 * units[0])
            for up, down in zip(equations(values, v + units[0], x), equations(values, v - units[0], x), strict=True)
        ]
        by_x = [
            (up - down) / (2 * units[1])
            for up, down in zip(equations(values, v, x + units[1]), equations(values, v, x - units[1]), strict=True)
        ]
        return at[0], by_v[0], by_x[0], at[1], by_v[1], by_x[1]
