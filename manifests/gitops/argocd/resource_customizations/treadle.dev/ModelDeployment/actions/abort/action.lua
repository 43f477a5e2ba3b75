-- The version that is proving itself; a command that names another is ignored.
local canary = obj.status.canary
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["treadle.dev/abort"] = canary.version or canary.revision
return obj
