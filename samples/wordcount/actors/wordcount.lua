-- wordcount: counts words in files, one worker actor for each file.
--
-- Send a Coordinator {folder = PATH} or {files = {PATH, ...}}, and optionally top = N (10): it answers with
-- {version, files, words, top = {{word, count}, ...}}, the most frequent words first, equal ones by alphabet.

local actors = require "thespian.actors"
local words = require "words"

local Coordinator = actors.class("Coordinator", actors.Actor)
local Worker = actors.class("Worker", actors.Actor)

-- Counts the words of the file whose path it gets, answers, and waits for the next.
function Worker:receiveMessage(message, sender)
  if type(message) ~= "string" then return end
  self:send(sender, { path = message, counts = words.count(message) })
end

function Coordinator:init()
  self.jobs = {} -- under way, oldest first
  self.idle = {} -- workers that wait
  self.job_of = {} -- the job that each busy worker works for
end

-- Every job has a worker for each of its files, so a large file does not hold up the others.
function Coordinator:begin(request, asker)
  local files = request.files or words.files(request.folder)
  local job = { asker = asker, top = request.top or 10, counts = {}, files = #files, left = #files }
  for _, path in ipairs(files) do
    local worker = table.remove(self.idle) or self:createActor(Worker)
    self.job_of[worker] = job
    self:send(worker, path)
  end
  if job.left == 0 then self:answer(job) end
end

function Coordinator:add(result, worker)
  local job = self.job_of[worker]
  self.job_of[worker] = nil
  table.insert(self.idle, worker)
  for word, count in pairs(result.counts) do
    job.counts[word] = (job.counts[word] or 0) + count
  end
  job.left = job.left - 1
  if job.left == 0 then self:answer(job) end
end

function Coordinator:answer(job)
  local top, total = words.top(job.counts, job.top)
  self:send(job.asker, { version = words.version, files = job.files, words = total, top = top })
end

-- A file that cannot be read makes its worker fail twice; then the path comes back as poison.
function Coordinator:give_up(poison, worker)
  local job = self.job_of[worker]
  self.job_of[worker] = nil
  table.insert(self.idle, worker)
  job.left = math.huge -- never answered twice
  self:send(job.asker, { version = words.version, failed = poison.poisonMessage })
end

function Coordinator:receiveMessage(message, sender)
  if actors.isinstance(message, actors.PoisonMessage) then
    self:give_up(message, sender)
  elseif type(message) == "table" and message.counts and self.job_of[sender] then
    self:add(message, sender)
  elseif type(message) == "table" and (message.folder or message.files) then
    self:begin(message, sender)
  end
end

return { Coordinator = Coordinator, Worker = Worker }
