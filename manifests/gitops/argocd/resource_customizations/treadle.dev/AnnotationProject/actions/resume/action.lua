-- Taken away, not set to false: what Git does not say is no difference.
obj.spec.suspend = nil
return obj
