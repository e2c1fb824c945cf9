"""What a table says of models and tasks: read from cells and predictions, told as text, pages and plots."""
