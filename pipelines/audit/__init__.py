"""The audit's data: one version's ledger and measures to be counted, searched, sampled, read and judged anew. No page is drawn here."""
