"""How each method of the catalogue is tried by the tests that hold for all: small options, a network, a hardware."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mitigation_tools import ENDS, HARDWARE, LEVELS, OFFSET

from xbarsim.nn import Hardware, Wires

WIRED = replace(HARDWARE, fidelity="accurate", wires=Wires(word=5.0, bit=3.0, driver=2.0, sense=4.0))
"""The same arrays with wires and ends."""


@dataclass(frozen=True)
class Case:
    """A chain's options, as text behind its name, with the network and the hardware that it is tried on."""

    options: str = ""
    network: str = "mlp"
    hardware: Hardware = HARDWARE


CASES: dict[str, tuple[Case, ...]] = {
    "none": (Case(),),
    "headroom": (Case("h=1.5"),),
    "gain": (Case(), Case("per=output", "convolution"), Case("source=images,count=20", "norm")),
    "output-correction": (Case(), Case("knows=maps,share=0.05,weighting=input,images=60", "convolution")),
    "prescale": (Case(), Case("", "convolution", OFFSET)),
    "precompensate": (
        Case("h=1.5,iterations=4", hardware=WIRED),
        Case("iterations=3", "convolution"),
        Case("h=2,iterations=3,solver=adjoint", "single", replace(WIRED, mapping=OFFSET.mapping)),
    ),
    "write-verify": (Case("tolerance=0.05,noise=0.1"),),
    "greedy-rows": (Case("order=norm,spare=2"),),
    "match-rows": (Case(), Case("weighting=input,images=50,spare=2", "norm")),
    "row-flip": (Case("knows=faults"), Case("scope=layer", "binary", OFFSET)),
    "row-flip-match": (Case("weighting=input", "convolution"), Case("knows=faults,scope=layer,power=2")),
    "neuron-permutation": (
        Case(),
        Case("weighting=input,images=50,power=2", "norm"),
        Case("knows=faults", "binary", OFFSET),
    ),
    "row-permutation": (Case("knows=faults", "binary", OFFSET),),
    "fpt": (
        Case("iterations=3,batch=10"),
        Case("iterations=3,batch=10,source=faults"),
        Case("iterations=3,batch=10", "norm"),
        Case("iterations=3,batch=10", "binary", OFFSET),
    ),
    "reduce-fix": (
        Case("N=6,batch=20,interval=20,reductions=120", "norm"),
        Case("N=6,batch=20,interval=20,reductions=120,stuck=reduce", "single"),
    ),
    "itt-rna": (
        Case("rounds=2,steps=3,share=0.02,batch=20,iterations=6,interval=4"),
        Case("rounds=2,steps=3,share=0.02,batch=20,iterations=0", "convolution"),
        Case("rounds=0,iterations=0,images=50", "norm"),
        Case("mapping=none,rounds=0,iterations=4,batch=20", "norm"),
    ),
    "bi-retrain": (Case("N=6,batch=20,interval=20,reductions=120", "single"),),
    "vortex": (Case("order=norm,gammas=0/0.1,epochs=1,batch=20", "single"),),
    "vat": (Case("gammas=0/0.1,epochs=1,batch=20", "single"),),
    "bias": (Case("epochs=2,batch=20"), Case("epochs=2,batch=20,images=60,knows=maps", "binary", OFFSET)),
    "bn": (Case("epochs=2,batch=20", "norm"), Case("epochs=2,batch=20,images=60", "binary", OFFSET)),
    "retrain": (
        Case("epochs=2,batch=20"),
        Case("epochs=2,batch=20,images=60", "norm"),
        Case("epochs=2,batch=20,knows=maps", "binary", OFFSET),
    ),
    "noise": (
        Case("epochs=1,batch=20"),
        Case("epochs=1,batch=20,images=60,chips=2", "norm"),
        Case("epochs=1,batch=20,images=60,every=2", "binary", OFFSET),
    ),
    "distill": (
        Case("epochs=1,batch=20"),
        Case("epochs=1,batch=20,images=60", "norm", LEVELS),
        Case("epochs=1,batch=20,images=60", "binary", OFFSET),
    ),
    "rsa": (
        Case("epochs=1,batch=20"),
        Case("epochs=1,batch=20,pick=importance,pick_images=50,source=maps", "convolution"),
        Case("epochs=1,batch=20,pick=importance,pick_images=50,source=faults", "norm"),
        Case("epochs=1,batch=20,images=60", "binary", OFFSET),
    ),
    "technology-closed": (
        Case("batch=20", hardware=ENDS),
        Case("batch=20,refit=false,every=3,images=60", "convolution", ENDS),
        Case("batch=20,variation=false", "binary", ENDS),
    ),
    "technology-approximate": (
        Case("batch=20,images=60", hardware=ENDS),
        Case("batch=20,images=60,form=first-order,refit=false", "convolution", ENDS),
    ),
    "technology-exact": (
        Case("batch=20,images=60", hardware=ENDS),
        Case("batch=20,images=60,gain=false", "norm", ENDS),
        Case("batch=20,images=60", "binary", OFFSET),
    ),
}
"""By name, methods and shorthands: a line for each; several cases where options change what it needs."""
