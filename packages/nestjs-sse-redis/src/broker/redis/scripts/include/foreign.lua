-- Checks of what a publisher gives that is no hub: the same as those of event/event-text.ts and event/channel-name.ts. Needs
-- include/utf8.lua and include/json.lua.

local MOST_CHARACTERS = 256
-- Names that EventSource dispatches events of its own under, and those of the events that the hub sends.
local RESERVED_TYPES = { open = true, error = true, position = true, gap = true, ['end'] = true, control = true }

-- Ends the script with an error whose first word is a code, before anything is written.
local function refuse(code, message)
  error({ refusal = code .. ' ' .. message })
end

local function checkText(code, what, text)
  if not isUtf8(text) then refuse(code, what .. ' is not UTF-8') end
  local length = lengthOf(text)
  if length > MOST_CHARACTERS then
    refuse(code, string.format('%s has at most %d characters, this one has %d', what, MOST_CHARACTERS, length))
  end
end

local function checkChannel(channel)
  if channel == '' then refuse('INVALID_CHANNEL', 'a channel name must not be empty') end
  checkText('INVALID_CHANNEL', 'a channel name', channel)
  -- C0 and C1.
  if string.find(channel, '[%z\1-\31\127]') or string.find(channel, '\194[\128-\159]') then
    refuse('INVALID_CHANNEL', 'the channel name has a control character')
  end
  if string.find(channel, 'undefined$') or string.find(channel, 'null$') then
    refuse('INVALID_CHANNEL', 'the channel name ends in what a missing value becomes in a text: check what it is made of')
  end
end

local function checkType(eventType)
  checkText('INVALID_EVENT', 'the type of an event', eventType)
  if string.find(eventType, '[%z\r\n]') then refuse('INVALID_EVENT', 'the event type has a line end or NUL') end
  if RESERVED_TYPES[eventType] then refuse('INVALID_EVENT', 'the event type "' .. eventType .. '" is taken: use another name') end
end

-- Returns the data as it is sent: some clients take U+2028 and U+2029 for line ends, and JSON says the same without them.
local function checkData(kind, data, limit)
  if #data > limit then
    refuse('PAYLOAD_TOO_LARGE', string.format('the data of the event has %d bytes, the limit is %.0f', #data, limit))
  end
  if not isUtf8(data) then refuse('INVALID_EVENT', 'the data of an event is UTF-8, this is not') end
  if kind == 'text' then return data end
  if kind ~= 'json' then refuse('INVALID_EVENT', 'the kind of an event is json or text') end
  if not isJson(data) then refuse('INVALID_EVENT', 'the data is not JSON: the kind of anything else is text') end
  local separator = '\226\128'
  data = replace(data, separator, separator .. '\168', '\\u2028')
  return replace(data, separator, separator .. '\169', '\\u2029')
end

-- The lines of an SSE block after its id: a line of data ends with CR LF, LF, or CR.
local function formatEvent(eventType, data)
  local lines = replace(replace(data, '\r', '\r\n', '\n'), '\r', '\r', '\n')
  local name = eventType == '' and '' or 'event: ' .. eventType .. '\n'
  return name .. 'data: ' .. replace(lines, '\n', '\n', '\ndata: ') .. '\n\n'
end
