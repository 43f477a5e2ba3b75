-- The current attempt, and the run with it.
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["treadle.dev/cancel"] = tostring(obj.status.attempt)
return obj
