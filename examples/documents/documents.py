"""Documents that several people write at once. Their editors send pycrdt's updates, in base64."""

import base64
from typing import Any

import pyudf as pu

from crdts import Document

app = pu.App("documents")


def apply(edit: dict[str, Any], document: pu.State[Document]) -> dict[str, Any]:
    """The document as it stands after an edit."""
    merged = document.get(Document()).merge(Document(base64.b64decode(edit["update"])))
    document.set(merged)
    return {"document": edit["document"], "text": merged.text}


app.topic("updates", key="document").map(apply).to("documents")
