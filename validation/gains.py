"""What a digital gain a layer gives back of what wires take: fixed, and trained through the circuit.

xbarsim train --model mlp --data mnist -o mlp.pt
python validation/gains.py mlp.pt            # prints the table; XBARSIM_DATA says where MNIST is
python validation/gains.py mlp.pt --write    # and writes it to validation/results/gains.md
"""

from __future__ import annotations

import provenance
import torch
from torch import nn

from xbarsim.nn import CrossbarNetwork, Hardware, Mapping, Wires, convert, model_sources
from xbarsim.nn.datasets import Dataset, load
from xbarsim.nn.training import accuracy, inputs

STEPS, BATCH, RATE = 100, 128, 1e-3


def fixed_row(model: nn.Module, data: Dataset, ohms: float) -> str:
    network = convert(model, Hardware(wires=Wires(word=ohms, bit=ohms))).program(0)
    accuracies = [accuracy(network, data, data.test)]
    for per in ("layer", "output"):
        accuracies.append(accuracy(network.fit_gains(per), data, data.test))
    return f"| {ohms:g} | " + " | ".join(f"{100.0 * value:.2f}" for value in accuracies) + " |"


def trained_row(model: nn.Module, data: Dataset, ohms: float, gain: bool) -> str:
    hardware = Hardware(wires=Wires(word=ohms, bit=ohms), mapping=Mapping(scale="dynamic"))
    network = convert(model, hardware).program(0)
    if gain:
        for layer in network.fit_gains().layers.values():
            layer.gain = nn.Parameter(layer.gain.detach().clone())
    before = accuracy(network, data, data.test)
    train(network, data)
    after = accuracy(network, data, data.test)
    return f"| {ohms:g} | {'a layer, trained' if gain else 'none'} | {100.0 * before:.2f} | {100.0 * after:.2f} |"


def train(network: CrossbarNetwork, data: Dataset) -> None:
    torch.manual_seed(0)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.0)
    order = torch.randperm(len(data.train))
    network.train()
    for k in range(STEPS):
        batch = order[k * BATCH : (k + 1) * BATCH].numpy()
        optimizer.zero_grad()
        labels = torch.from_numpy(data.train.labels[batch])
        nn.functional.cross_entropy(network(inputs(data, data.train, batch)), labels).backward()
        optimizer.step()


def main() -> None:
    parser = provenance.parser(__doc__)
    parser.add_argument("model")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    source = model_sources.find(arguments.model, load("mnist"))
    model, data = source.model, source.dataset
    rows = [
        f"MNIST, {len(data.test)} test images, {source.name}, {100.0 * accuracy(model, data, data.test):.2f} % "
        "in torch; rram-64 with the same ohms a segment on both lines; accuracies in %.",
        "",
        "| ohms | no gain | fitted, one a layer | fitted, one an output |",
        "|---|---|---|---|",
        *(fixed_row(model, data, ohms) for ohms in (20.0, 50.0)),
        "",
        f'{STEPS} steps of AdamW through the circuit, batch {BATCH}, rate {RATE:g}, `scale="dynamic"`:',
        "",
        "| ohms | gain | before | after |",
        "|---|---|---|---|",
        *(trained_row(model, data, 10.0, gain) for gain in (False, True)),
    ]
    text = "\n".join(rows)
    print(text)
    if arguments.write:
        head = "# Digital gains\n\n`python validation/gains.py mlp.pt --write`\n\n"
        provenance.write_page("gains.md", head + text)


if __name__ == "__main__":
    main()
