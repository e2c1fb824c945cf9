"""From a corpus version to a trained model: tokenizer, packed tokens, pre-training, in Hugging Face format."""
