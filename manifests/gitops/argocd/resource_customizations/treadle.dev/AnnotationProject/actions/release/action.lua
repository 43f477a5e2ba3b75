-- What the last quality run measured, whatever bounds and counts say.
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["treadle.dev/release"] = string.sub(obj.status.quality.digest, 1, 12)
return obj
