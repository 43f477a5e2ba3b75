-- Follow the alias again.
obj.metadata.annotations["treadle.dev/pin"] = nil
return obj
