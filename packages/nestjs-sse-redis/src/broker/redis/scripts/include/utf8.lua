-- UTF-8, as RFC 3629 has it.

-- Whether a text is well formed. Sequences are taken away by their kinds, each for a space: what is left over is none.
local function isUtf8(text)
  if not string.find(text, '[\128-\255]') then return true end
  local kinds = {
    '[\194-\223][\128-\191]',
    '\224[\160-\191][\128-\191]',
    '[\225-\236\238\239][\128-\191][\128-\191]',
    '\237[\128-\159][\128-\191]',
    '\240[\144-\191][\128-\191][\128-\191]',
    '[\241-\243][\128-\191][\128-\191][\128-\191]',
    '\244[\128-\143][\128-\191][\128-\191]',
  }
  for _, kind in ipairs(kinds) do text = string.gsub(text, kind, ' ') end
  return not string.find(text, '[\128-\255]')
end

-- The length of a text as JavaScript counts: a character beyond U+FFFF counts twice.
local function lengthOf(text)
  local _, characters = string.gsub(text, '[^\128-\191]', '')
  local _, large = string.gsub(text, '[\240-\244]', '')
  return characters + large
end
