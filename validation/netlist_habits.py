"""Words of netlists as people write them: suffixes and units of numbers, factors of parameters, names of nodes."""

SUFFIXES = {
    "t": 1e12,
    "g": 1e9,
    "meg": 1e6,
    "k": 1e3,
    "": 1.0,
    "m": 1e-3,
    "u": 1e-6,
    "n": 1e-9,
    "p": 1e-12,
    "f": 1e-15,
}
UNITS = {"R": ["ohm", "Ohms", "o"], "V": ["V", "volts", "v"], "I": ["A", "amps"], "C": ["F", "farad"], "L": ["H"]}

# Each is positive for parameters between 0.5 and 2; {p}, {q} are parameters.
FACTORS = [
    "{p}", "{p}", "({p}+{q})/2", "{p}*{q}", "{p} / {q}", "sqrt({p}*{q})", "max({p},{q})", "min({p}, {q})", "abs({p}-5)",
    "exp(-{p})", "exp({p}/4)*{q}", "pwr({p},0.5)", "pow({p}, 2)", "{p}**2", "{p}^1.5", "({p} > {q} ? 1.5 : 0.8)",
    "ternary_fcn({p}>1, 2, 1)", "(1+sin({p})/2)", "(2+cos(3*{p}))", "cosh({p})", "tanh({p})", "1/(1+{p})",
    "(int({p})+1)", "(floor({p}*3)+1)", "ceil({p}*2)", "sgn({p})*2", "(nint({p})+1)", "atan({p})", "ln({p}+2)",
    "log10({p}+9)", "sqr({p})", "-(-{p})", "({p}-{q}/8)", "({p}>=1)+1", "({p}<{q}&&{q}<1.7)+0.5", "2.5k*{p}/1K",
]  # fmt: skip

NODE_NAMES = [
    "{k}", "n{k}", "net_{k}", "w[{k}]", "a.b{k}", "{k}_1", "node{k}#", "q<{k}>", "m.{k}.z", "{k}a", "vdd{k}", "in{k}!",
    "_{k}", "n{k}x", "{k}e3", "bl_{k}", "WL{k}",
]  # fmt: skip
