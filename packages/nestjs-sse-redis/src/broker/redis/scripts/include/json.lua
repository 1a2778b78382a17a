-- isJson(text): whether JavaScript's JSON.parse reads a text. Redis' own decoder takes more than that: line ends in strings, `1.`,
-- `Infinity`. It finds what is wrong with the structure; the rest is looked for in what remains when strings are taken away.

-- What no text of JSON has beside its strings and literals, that the decoder would take; and a character without which it is not there.
local NOT_IN_JSON = {
  { '"', '"' }, -- a string with a line end
  { '[a-df-zA-DF-Z_]' }, -- Infinity, NaN, 0x1
  { '^%+', '+' },
  { '[^eE]%+', '+' },
  { '^%.', '.' },
  { '[^%d]%.', '.' },
  { '%.$', '.' },
  { '%.[^%d]', '.' },
  { '^%-?0%d', '0' },
  { '[^%d%.eE%+%-]%-?0%d', '0' },
}

local function has(text, part)
  return string.find(text, part, 1, true)
end

-- Replaces a pattern, which is only looked for where a part of it is there: that costs a tenth.
local function replace(text, part, pattern, by)
  if not has(text, part) then return text end
  return (string.gsub(text, pattern, by))
end

local function isJson(text)
  -- An escape stands for one character of its string, and is wrong anywhere else.
  local bare = replace(replace(text, '\\', '\\["\\/bfnrt]', '_'), '\\', '\\u%x%x%x%x', '_')
  bare = replace(bare, '"', '"[^"\\%z\1-\31]*"', '""')
  if string.find(bare, '[\\\128-\255%z\1-\8\11\12\14-\31\127]') then return false end
  if not pcall(cjson.decode, bare) then return false end
  local rest = replace(bare, '""', '""', '')
  for _, literal in ipairs({ 'true', 'false', 'null' }) do rest = replace(rest, literal, literal, '') end
  for _, check in ipairs(NOT_IN_JSON) do
    local pattern, part = unpack(check)
    if (not part or has(rest, part)) and string.find(rest, pattern) then return false end
  end
  return true
end
