"""Documents: what people read before they change, run or mend the product."""
