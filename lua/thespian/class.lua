-- class: how classes are made and looked into. It is C (bindings/class.h, which describes the tables),
-- so that it costs an actor's state next to nothing; this is how programs find it.

---@class thespian.class
---@field classes table the metatable of every class
---@field recorded table<string, thespian.Class> those whose module is known, by "module.Short"
---@field lazy fun(module: string, key: string): function calls require(module)[key], loading it then
---@field make fun(name: string, base?: thespian.Class, module?: string): thespian.Class
---@field class fun(name: string, base?: thespian.Class): any the same for users, see actors.class

---@class thespian.Class
---@field name string the short name
---@field super? thespian.Class the base
---@field new fun(self: thespian.Class, ...): any makes an instance, as calling the class does
---@overload fun(...): any

return require("thespian.core").openClass()
