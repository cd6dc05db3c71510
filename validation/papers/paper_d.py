"""FPT and what it is compared with on BinaryNet for MNIST (3 x 1024): the tables and figures of G. Jung et al.

python validation/papers/paper_d.py table3 --weights bnn.pt --records d.jsonl            # prints it
python validation/papers/paper_d.py table3 --weights bnn.pt --records d.jsonl --write    # writes results/papers/d_*.md

Tables: wires (FPT against IR drop), table3, table4, table5, figure4, figure5, figure6.
Where bnn.pt is missing it is trained first, in some ten minutes:
xbarsim train --model binary-mlp --width 2 --data mnist --limit 55000 --epochs 25 -o bnn.pt

Arrays of 64 x 64, 1 kohm and 1 Mohm. MNIST under XBARSIM_DATA. Numbers are percent of 10,000 test images: the mean of
all chips, and the sample deviation.
"""

from __future__ import annotations

from collections.abc import Callable

import paper_runs
import provenance
from paper_d_chips import Work
from paper_d_figures import figure4, figure5, figure6
from paper_d_tables import table3, table4, table5, wires
from paper_runs import Records

TABLES: dict[str, Callable[[Work], str]] = {
    "wires": wires, "table3": table3, "table4": table4, "table5": table5,
    "figure4": figure4, "figure5": figure5, "figure6": figure6,
}  # fmt: skip


def main() -> None:
    arguments = paper_runs.command(__doc__, list(TABLES)).parse_args()
    training = ("--model", "binary-mlp", "--width", "2", "--epochs", "25")
    model, dataset = paper_runs.network(arguments.weights, *training)
    for name in arguments.tables:
        work = Work(model, dataset, Records(arguments.records))
        text = TABLES[name](work)
        print(text)
        if arguments.write:
            (provenance.RESULTS / "papers").mkdir(exist_ok=True)
            provenance.write_page(f"papers/d_{name}.md", text, work.records.origin)


if __name__ == "__main__":
    main()
