-- What the last attempt made.
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["treadle.dev/approve"] = tostring(obj.status.attempts[#obj.status.attempts].number)
return obj
