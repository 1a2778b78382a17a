-- isJson(text): whether JavaScript's JSON.parse reads a text. Redis' own decoder takes more than that: line ends in strings, `1.`,
-- `Infinity`. It finds what is wrong with the structure; the rest is looked for in what remains when strings are taken away.

-- What no text of JSON has beside its strings and literals, that the decoder would take.
local NOT_IN_JSON = {
  '"', -- a string with a line end
  '[a-df-zA-DF-Z_]', -- Infinity, NaN, 0x1
  '^%+', '[^eE]%+',
  '^%.', '[^%d]%.', '%.$', '%.[^%d]',
  '^%-?0%d', '[^%d%.eE%+%-]%-?0%d',
}

local function isJson(text)
  -- An escape stands for one character of its string, and is wrong anywhere else.
  local bare = string.gsub(string.gsub(text, '\\["\\/bfnrt]', '_'), '\\u%x%x%x%x', '_')
  bare = string.gsub(bare, '"[^"\\%z\1-\31]*"', '""')
  if string.find(bare, '[\\\128-\255%z\1-\8\11\12\14-\31\127]') then return false end
  if not pcall(cjson.decode, bare) then return false end
  local rest = string.gsub(string.gsub(string.gsub(bare, 'true', ''), 'false', ''), 'null', '')
  rest = string.gsub(rest, '""', '')
  for _, pattern in ipairs(NOT_IN_JSON) do
    if string.find(rest, pattern) then return false end
  end
  return true
end
