--- `:Claw`: reads the command line and calls the functions of 'claw'.
local M = {}

--- Each gets the text after its name and the lines of the range, if there was one.
---@type table<string, fun(text: string, range?: {[1]: integer, [2]: integer})>
local commands = {
  ask = function(text, range)
    require('claw').ask(text, { range = range })
  end,
  explain = function(_, range)
    require('claw').explain({ range = range })
  end,
  accept = function(text, range)
    require('claw').accept({ range = range, with_needs = text == 'needs' })
  end,
  ['accept-lines'] = function(text, range)
    local first, last = text:match('^(%d+)%s*(%d*)$')
    if first then
      require('claw').accept_lines({ lines = { tonumber(first), tonumber(last) or tonumber(first) } })
    elseif text == '' and range then
      require('claw').accept_lines({ range = range })
    else
      vim.notify('claw: which lines? `:Claw accept-lines 2 4`, or select lines that the hunk replaces', vim.log.levels.ERROR)
    end
  end,
  ['accept-file'] = function()
    require('claw').accept_file()
  end,
  ['accept-all'] = function()
    require('claw').accept_all()
  end,
  edit = function()
    require('claw').edit()
  end,
  change = function(text)
    require('claw').change(text ~= '' and text or nil)
  end,
  resolve = function(text, range)
    require('claw').resolve(text, { range = range })
  end,
  reject = function(text, range)
    require('claw').reject({ range = range, reason = text ~= '' and text or nil })
  end,
  ['reject-all'] = function()
    require('claw').reject_all()
  end,
  undo = function(text)
    require('claw').undo({ pick = text == 'pick' })
  end,
  redo = function()
    require('claw').redo()
  end,
  next = function()
    require('claw').next()
  end,
  prev = function()
    require('claw').prev()
  end,
  cancel = function()
    require('claw').cancel()
  end,
  model = function(text)
    require('claw').model(text ~= '' and text or nil)
  end,
  context = function(text, range)
    require('claw').context(text, { range = range })
  end,
  blame = function()
    require('claw').blame()
  end,
  map = function()
    require('claw').map()
  end,
  conversation = function()
    require('claw').conversation()
  end,
  trace = function()
    require('claw').trace()
  end,
  status = function()
    require('claw').status()
  end,
}

--- What may stand after a name, where that is no free text.
---@type table<string, string[]>
local words = { accept = { 'needs' }, resolve = { 'both', 'claw', 'mine' }, undo = { 'pick' } }

---@param args vim.api.keyset.create_user_command.command_args
function M.run(args)
  local name, text = args.args:match('^(%S*)%s*(.-)%s*$')
  if name == '' then
    name = 'status'
  end
  local command = commands[name]
  if not command then
    vim.notify(('claw: no command %q; there are %s'):format(name, table.concat(M.names(), ', ')), vim.log.levels.ERROR)
    return
  end
  command(text, args.range > 0 and { args.line1, args.line2 } or nil)
end

---@return string[]
function M.names()
  local names = vim.tbl_keys(commands)
  table.sort(names)
  return names
end

---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local name = line:match('Claw%s+(%S+)%s')
  return vim.tbl_filter(function(word)
    return vim.startswith(word, lead)
  end, name and (words[name] or {}) or M.names())
end

return M
