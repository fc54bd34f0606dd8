local check <close> = require "lib_check"
local actors = require "thespian.actors"

local class, isinstance, typename = actors.class, actors.isinstance, actors.typename

check.test("calling a class and new make instances and call init", function()
  local Point = class "Point"
  function Point:init(x, y)
    self.x, self.y = x, y
  end
  check.same(Point(1, 2), { x = 1, y = 2 })
  check.same(Point:new(3), { x = 3 })
  check.same(class("Plain")(7), {})
end)

check.test("new called with a dot is refused at the caller's line", function()
  local Point = class "Point"
  local where = check.here(1)
  local function misuse() local _ = Point.new(1) end
  check.contains(check.raises("use Class(...) or Class:new(...)", misuse), where)
end)

check.test("methods and init are inherited, also when they are defined later", function()
  local Base = class "Base"
  local Derived = class("Derived", Base)
  local Leaf = class("Leaf", Derived)
  function Base:init(name) self.called = name end
  function Base:who() return "base " .. self.called end
  check.equal(Leaf("x"):who(), "base x")
  function Derived:who() return "derived then " .. Derived.super.who(self) end
  check.equal(Leaf("x"):who(), "derived then base x")
  check.equal(Base("x"):who(), "base x")
end)

check.test("name, super and new belong to the class, not to its instances", function()
  local Base = class "Base"
  local Derived = class("Derived", Base)
  check.equal(Derived.name, "Derived")
  check.ok(rawequal(Derived.super, Base))
  check.equal(Base.super, nil)
  local instance = Derived()
  check.equal(instance.name, nil)
  check.equal(instance.super, nil)
  check.equal(instance.new, nil)
end)

check.test("a class's own field wins over name", function()
  local Person = class "Person"
  function Person:name() return self.called end
  local person = Person()
  person.called = "Ann"
  check.equal(person:name(), "Ann")
  check.equal(Person.name(person), "Ann")
  check.equal(typename(person), "Person")
end)

check.test("fields of a class are defaults of its instances", function()
  local Counter = class "Counter"
  Counter.count = 0
  Counter.open = false
  local one, other = Counter(), Counter()
  one.count = one.count + 1
  check.equal(one.count, 1)
  check.equal(other.count, 0)
  check.equal(Counter.open, false)
  check.equal(other.open, false)
end)

check.test("the metamethods of the contract work and are inherited", function()
  local Base = class "Base"
  function Base:init(value) self.value = value end
  function Base:__tostring() return "<" .. self.value .. ">" end
  function Base.__eq(one, other) return one.value == other.value end
  function Base.__lt(one, other) return one.value < other.value end
  function Base.__le(one, other) return one.value <= other.value end
  function Base:__len() return self.value end
  function Base:__call(more) return self.value + more end
  function Base.__concat(one, other) return tostring(one) .. "+" .. tostring(other) end
  for _, Class in ipairs { Base, class("Derived", Base) } do
    local one, two = Class(1), Class(2)
    check.equal(tostring(one), "<1>")
    check.ok(one == Class(1) and one ~= two)
    check.ok(one < two and not (two < one))
    check.ok(one <= two and one <= Class(1))
    check.equal(#two, 2)
    check.equal(two(5), 7)
    check.equal(one .. two, "<1>+<2>")
  end
end)

check.test("operators work, and __close and __gc", function()
  local Vector = class "Vector"
  local seen = {}
  function Vector:init(x) self.x = x end
  function Vector.__add(one, other) return Vector(one.x + other.x) end
  function Vector.__unm(one) return Vector(-one.x) end
  function Vector:__close() seen.closed = self.x end
  function Vector:__gc() seen.collected = true end
  check.equal((Vector(1) + -Vector(3)).x, -2)
  do
    local scoped <close> = Vector(9)
    check.equal(scoped.x, 9)
  end
  check.equal(seen.closed, 9)
  collectgarbage()
  collectgarbage()
  check.ok(seen.collected)
end)

check.test("a metamethod defined later reaches subclasses that have none of their own", function()
  local Base = class "Base"
  local Plain = class("Plain", Base)
  local Own = class("Own", Base)
  local BelowOwn = class("BelowOwn", Own)
  function Own:__tostring() return "own" end
  function Base:__tostring() return "base" end
  check.equal(tostring(Base()), "base")
  check.equal(tostring(Plain()), "base")
  check.equal(tostring(Own()), "own")
  check.equal(tostring(BelowOwn()), "own")
  Own.__tostring = nil
  check.equal(tostring(BelowOwn()), "base")
  function Base:__len() return 4 end
  check.equal(#BelowOwn(), 4)
  check.equal(tostring(BelowOwn()), "base")
end)

check.test("a metamethod of the base can be called", function()
  local Base = class "Base"
  function Base:__tostring() return "base" end
  local Derived = class("Derived", Base)
  function Derived:__tostring() return "derived of " .. Derived.super.__tostring(self) end
  check.equal(tostring(Derived()), "derived of base")
end)

check.test("the habit Class.__index = Class does no harm", function()
  local Base = class "Base"
  Base.__index = Base
  function Base:hello() return "hello" end
  check.equal(Base():hello(), "hello")
  check.equal(class("Derived", Base)():hello(), "hello")
end)

check.test("metamethods that would break a class are refused", function()
  local Base = class "Base"
  for _, name in ipairs { "__index", "__newindex", "__mode", "__metatable" } do
    check.raises("class Base cannot have " .. name, function() Base[name] = function() end end)
    check.equal(Base[name], nil)
  end
end)

check.test("private names with underscores are ordinary", function()
  local Base = class "Base"
  Base._one, Base.__two = 1, 2
  check.equal(Base()._one, 1)
  check.equal(Base().__two, 2)
end)

check.test("isinstance follows the bases", function()
  local Base = class "Base"
  local Derived = class("Derived", Base)
  local Other = class "Other"
  check.ok(isinstance(Derived(), Derived))
  check.ok(isinstance(Derived(), Base))
  check.ok(not isinstance(Base(), Derived))
  check.ok(not isinstance(Derived(), Other))
  local likeness = setmetatable({}, { __index = Base })
  for _, value in ipairs { 1, "text", {}, likeness, print, Base, false } do
    check.ok(not isinstance(value, Base))
  end
  check.ok(not isinstance(nil, Base))
end)

check.test("isinstance with what is no class is refused", function()
  check.raises("the second argument is no class but a nil", isinstance, 1, nil)
  check.raises("the second argument is no class but a table", isinstance, 1, class("A")())
end)

check.test("typename names classes, numbers and the rest", function()
  check.equal(typename(class("Job")()), "Job")
  check.equal(typename(1), "integer")
  check.equal(typename(1.0), "float")
  for _, value in ipairs { "text", {}, true, print, io.stdout } do
    check.equal(typename(value), type(value))
  end
  check.equal(typename(nil), "nil")
end)

check.test("classes show what they are", function()
  local Job = class "Job"
  function Job:run() end
  check.equal(tostring(Job), "class Job")
  check.contains(tostring(Job()), "Job: ")
  local keys = {}
  for key in pairs(Job) do keys[#keys + 1] = key end
  check.same(keys, { "run" })
end)

check.test("wrong arguments of class are refused at the caller's line", function()
  local function misuse() local _ = class() end
  check.contains(check.raises("the name of a class is a string, got nil", misuse), check.here(-1))
  check.raises("the name of a class is a string", class, "")
  check.raises("the base of X is no class but a table", class, "X", {})
  check.equal(class("X", nil).super, nil)
end)

check.test("a misspelt name of the library is an error that names it", function()
  local function misuse() local _ = actors.Aktor end
  check.contains(check.raises("thespian.actors has no 'Aktor'", misuse), check.here(-1))
end)

check.test("the library's constants are there", function()
  check.ok(type(actors.version) == "string" and #actors.version > 0)
  local before = actors.monotonic()
  check.equal(math.type(before), "float")
  check.ok(actors.monotonic() >= before)
end)
