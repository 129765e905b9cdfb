"""One module an output: each turns a `Document` into bytes, knows one format and nothing else."""
