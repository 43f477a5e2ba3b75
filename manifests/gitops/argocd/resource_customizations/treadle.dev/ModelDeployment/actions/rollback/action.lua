-- The version that served before the present one.
local earlier = nil
for _, revision in ipairs(obj.status.previous) do
  if revision.version ~= nil and revision.version ~= obj.status.stable.version then
    earlier = revision.version
  end
end
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["treadle.dev/pin"] = earlier
return obj
