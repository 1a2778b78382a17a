-- Takes connections out. KEYS and ARGV[1…3] as in include/registry.lua.
--
-- ARGV[4…]  two for each: id, reason as JSON
--
-- Returns how many were in.
-- @include position
-- @include clock
-- @include line
-- @include tombstones
-- @include append
-- @include full
-- @include registry

local FIRST_REMOVAL = 4

allowWhenFull(nodesKey)
local ids, reasons = {}, {}
for i = FIRST_REMOVAL, #ARGV - 1, 2 do
  ids[#ids + 1] = ARGV[i]
  reasons[#reasons + 1] = ARGV[i + 1]
end
return remove(ids, reasons)
