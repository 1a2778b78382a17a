-- Takes connections out. KEYS and ARGV[1…4] as in include/registry.lua.
--
-- ARGV[5…]  two for each: id, reason as JSON
--
-- Returns how many were in.
-- @include append
-- @include full
-- @include registry

allowWhenFull(KEYS[3])
local ids, reasons = {}, {}
for i = 5, #ARGV, 2 do
  ids[#ids + 1] = ARGV[i]
  reasons[#reasons + 1] = ARGV[i + 1]
end
return remove(ids, reasons)
