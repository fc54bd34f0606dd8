local check <close> = require "lib_check"
local actors = require "thespian.actors"
local period = require "thespian.period"

local function seconds(value) return period.seconds(value, "wakeupAfter", 1) end

check.test("numbers are seconds", function()
  check.equal(seconds(5), 5.0)
  check.equal(seconds(0.25), 0.25)
  check.equal(seconds(0), 0.0)
  check.equal(seconds(math.huge), math.huge)
end)

check.test("tables add up their units", function()
  check.equal(seconds { minutes = 5 }, 300.0)
  check.equal(seconds { days = 1, hours = 2, minutes = 3, seconds = 4 }, 93784.0)
  check.ok(math.abs(seconds { milliseconds = 1500, microseconds = 250 } - 1.50025) < 1e-9)
  check.equal(seconds {}, 0.0)
end)

check.test("what lies in the past is now", function()
  check.equal(seconds(-3), 0.0)
  check.equal(seconds { minutes = -1, seconds = 30 }, 0.0)
end)

check.test("anything else is refused in words that say what a period is", function()
  local raised = check.raises(
    "wakeupAfter: a period is a number of seconds or a table such as {minutes = 5}; got", seconds,
    "soon")
  check.contains(raised, 'got the string "soon"')
  check.ok(actors.isinstance(raised, actors.ActorSystemException))
  check.raises("got nil", seconds, nil)
  check.raises("got true", seconds, true)
  check.raises("a period cannot be nan", seconds, 0 / 0)
end)

check.test("unknown units and wrong counts are named", function()
  check.raises("a period has no 'minute'; it is made of days, hours,", seconds, { minute = 5 })
  check.raises("a period has no '1'", seconds, { 5 })
  check.raises("minutes of a period is a number, got string", seconds, { minutes = "5" })
end)

check.test("the error names the line that was asked for", function()
  local function wait(value)
    local result = period.seconds(value, "wait", 2)
    return result
  end
  local where
  local function misuse(value)
    where = check.here(1)
    local _ = wait(value)
  end
  for _, value in ipairs { "x", { minute = 1 }, { minutes = "1" }, 0 / 0 } do
    check.contains(check.raises("wait:", misuse, value), where)
  end
end)

check.test("a timeout may be missing or without end", function()
  check.equal(period.timeout(nil, "ask", 1), nil)
  check.equal(period.timeout(math.huge, "ask", 1), nil)
  check.equal(period.timeout({ seconds = 2 }, "ask", 1), 2.0)
end)
