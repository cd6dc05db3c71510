"""Currents and motions of cells with a state, from their papers' equations, in mpmath: for tests alone."""

from mpmath import exp, mp, mpf, sinh

from xbarsim.devices import VTEAM, IonDrift, Sky130, Stanford, Yakopcic

BOLTZMANN = mpf("1.380649e-23") / mpf("1.602176634e-19")
"""Electronvolts a kelvin."""


def window(word, k, y, rising):
    match word:
        case "none":
            return mpf(1)
        case "joglekar":
            return 1 - abs(2 * y - 1) ** (2 * k)
        case "biolek":
            return 1 - abs(y - (0 if rising else 1)) ** (2 * k)
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


def ion_drift(d, v, x):
    i = v / (d["r_on"] * x + d["r_off"] * (1 - x))
    return i, d["mobility"] * d["r_on"] / d["thickness"] ** 2 * i * window(d["window"], d["exponent"], x, i >= 0)


def yakopcic(d, v, x):
    i = (d["a1"] if v >= 0 else d["a2"]) * x * sinh(d["b"] * v)
    if v > d["vp"]:
        g = d["ap"] * (exp(v) - exp(d["vp"]))
    elif v < -d["vn"]:
        g = -d["an"] * (exp(-v) - exp(d["vn"]))
    else:
        g = mpf(0)
    f = mpf(1)
    if d["eta"] * v > 0:
        if x >= d["xp"]:
            f = exp(-d["alphap"] * (x - d["xp"])) * ((d["xp"] - x) / (1 - d["xp"]) + 1)
    elif x <= 1 - d["xn"]:
        f = exp(d["alphan"] * (x + d["xn"] - 1)) * x / (1 - d["xn"])
    return i, d["eta"] * g * f


def stanford(d, v, x):
    i = d["i0"] * exp(-x / d["g0"]) * sinh(v / d["v0"])
    kt = BOLTZMANN * (d["t0"] + d["rth"] * v * i)
    gamma = d["gamma0"] - d["beta"] * (x * mpf(10) ** 9) ** 3
    hop = gamma * d["a0"] / d["length"] * v
    return i, -d["velocity"] * (exp(-d["eg"] / kt) * exp(hop / kt) - exp(-d["er"] / kt) * exp(-hop / kt))


def sky130(d, v, x):
    i = d["i_k1"] * exp(-(d["t_ox"] - x) / (d["t_ox"] - d["t_ref"])) * sinh(v / d["v_ref"])
    kt = BOLTZMANN * (d["temperature_0"] + d["tau_thermal"] / d["c_thermal"] * v * i)
    gamma = d["gamma_k0"] + d["gamma_k1"] * ((d["t_ox"] - x) * mpf(10) ** 9) ** 3
    hop = gamma * mpf("0.25e-9") / d["t_ox"] * v
    grown, lost = exp(-d["e_generation"] / kt) * exp(hop / kt), exp(-d["e_recombination"] / kt) * exp(-hop / kt)
    return i, d["velocity_k1"] * (grown - lost)


LAWS = {VTEAM: vteam, IonDrift: ion_drift, Yakopcic: yakopcic, Stanford: stanford, Sky130: sky130}


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
    """``(i, di/dv, di/dx, f, df/dv, df/dx)`` as mpf, derivatives by differences of 25 digits."""
    values, equations = parameters(device, index), LAWS[type(device)]
    with mp.workdps(60):
        v, x, step = mpf(float(v)), mpf(float(x)), mpf(10) ** -25
        small = step * max(abs(x), mpf(10) ** -9)
        moved = [((v + step, x), (v - step, x), step), ((v, x + small), (v, x - small), small)]
        (iv, fv), (ix, fx) = (
            [(up - down) / (2 * width) for up, down in zip(equations(values, *a), equations(values, *b), strict=True)]
            for a, b, width in moved
        )
        i, f = equations(values, v, x)
        return i, iv, ix, f, fv, fx
