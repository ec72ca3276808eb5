"""An audit as tables, files and pictures, for the tools that people use next."""

from __future__ import annotations

import csv
import html
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bptplr._audit import Audit

#: Suspects that a notebook shows.
SHOWN = 12


def rows(audit: Audit) -> list[dict[str, Any]]:
    """Returns a row for each sample, by index, with cleanlab's names of columns.

    label_quality is the probability that the given label is right; predicted_label is the
    suggested one where the label is more likely wrong than right, else the given one.
    """
    names = audit.class_names

    def name(label: int) -> Any:
        return names[label] if names else label

    found = []
    for i, label in enumerate(audit.labels.tolist()):
        wrong = float(audit.wrong_probability[i])
        is_issue = wrong > 0.5
        row = {
            "is_label_issue": is_issue,
            "label_quality": 1.0 - wrong,
            "given_label": name(label),
            "predicted_label": name(int(audit.suggested[i])) if is_issue else name(label),
        }
        if audit.paths:
            row["path"] = audit.paths[i]
        found.append(row)
    return found


def to_dataframe(audit: Audit) -> Any:
    """Returns the rows as a pandas.DataFrame. Raises ImportError without pandas."""
    import pandas as pd

    return pd.DataFrame(rows(audit))


def to_csv(audit: Audit, path: Path) -> None:
    """Writes the rows, the most suspicious label first."""
    table = rows(audit)
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.DictWriter(file, ["index", *table[0]])
        writer.writeheader()
        for index in audit.ranking.tolist():
            writer.writerow({"index": index, **table[index]})


def to_json(audit: Audit, path: Path) -> None:
    """Writes the numbers of the audit and the rows, by index."""
    content = {
        "expected_wrong": audit.expected_wrong,
        "wrong_interval": list(audit.wrong_interval),
        "not_to_be_used": audit.not_to_be_used,
        "class_names": audit.class_names,
        "joint": audit.joint.tolist(),
        "labels": rows(audit),
    }
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def to_fiftyone(audit: Audit) -> list[dict[str, Any]]:
    """Returns records of which FiftyOne makes samples: `fo.Sample.from_dict` takes each."""
    found = []
    for row in rows(audit):
        found.append(
            {
                "filepath": row.get("path", ""),
                "tags": ["wrong label"] if row["is_label_issue"] else [],
                "ground_truth": {"_cls": "Classification", "label": str(row["given_label"])},
                "suggested": {
                    "_cls": "Classification",
                    "label": str(row["predicted_label"]),
                    "confidence": row["label_quality"],
                },
                "wrong_probability": 1.0 - row["label_quality"],
            }
        )
    return found


def to_html(audit: Audit, suspects: list[dict[str, Any]]) -> str:
    """Returns a summary and the first suspects, with pictures where there are any."""
    names = audit.class_names

    def name(label: int) -> str:
        return html.escape(names[label] if names else str(label))

    cells = []
    for item in suspects[:SHOWN]:
        picture = f"<img src='{item['image']}' style='height:64px'><br>" if "image" in item else ""
        cells.append(
            f"<td style='text-align:center'>{picture}{item['sample']}: {name(item['given'])}"
            f"<br>{name(item['suggested'])}? {item['wrong']:.3f}</td>"
        )
    lines = ["<tr>" + "".join(cells[i : i + 6]) + "</tr>" for i in range(0, len(cells), 6)]
    return f"<p>{html.escape(repr(audit))}</p><table>{''.join(lines)}</table>"
