"""VQA² on today's transformers: LLaVA-OneVision with a motion branch (VQA², section 4)."""
