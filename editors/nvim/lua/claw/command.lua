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
  accept = function(_, range)
    require('claw').accept({ range = range })
  end,
  ['accept-file'] = function()
    require('claw').accept_file()
  end,
  ['accept-all'] = function()
    require('claw').accept_all()
  end,
  reject = function(text, range)
    require('claw').reject({ range = range, reason = text ~= '' and text or nil })
  end,
  ['reject-all'] = function()
    require('claw').reject_all()
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
  status = function()
    require('claw').status()
  end,
}

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
  -- Only the first word is a name: after it stands free text.
  if line:match('Claw%s+%S+%s') then
    return {}
  end
  return vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, M.names())
end

return M
