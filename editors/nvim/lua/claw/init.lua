--- Claw in Neovim: what other Lua code may call. The work is done by the server; this is its face.
local M = {}

---@class claw.Options
---@field cmd? string[] how the server is started
---@field settings? table what `initializationOptions` and `workspace/configuration` hold: camelCase keys, see |claw-settings|
---@field root_markers? string[] files or folders that make a folder a workspace
---@field filetypes? string[] only these; all without it
---@field diagnostics? boolean also show the server's hint for every pending hunk
---@field progress? boolean show what a turn is doing in the command line
M.options = {
  cmd = { 'claw', 'lsp' },
  settings = {},
  root_markers = { '.claw', '.git' },
  filetypes = nil,
  diagnostics = false,
  progress = true,
}

--- Takes the options and starts the server with the next buffer that has a file type.
---@param options? claw.Options
function M.setup(options)
  vim.validate('options', options, 'table', true)
  options = options or {}
  for key in pairs(options) do
    if M.options[key] == nil and key ~= 'filetypes' then
      error(('claw: setup() knows no option %q, see :help claw-setup'):format(key))
    end
  end
  M.options = vim.tbl_extend('force', M.options, options)
  vim.lsp.config('claw', require('claw.client').config())
  vim.lsp.enable('claw')
end

--- Asks for a change. Without an instruction Claw asks for one.
---@param instruction? string
---@param opts? {range?: {[1]: integer, [2]: integer}, mode?: 'edit'|'explain'|'plan'} lines, 1-based, both included
function M.ask(instruction, opts)
  opts = opts or {}
  if instruction and vim.trim(instruction) ~= '' then
    require('claw.client').ask(vim.trim(instruction), opts)
    return
  end
  -- The buffer is remembered: the answer may come when another one is shown.
  opts = vim.tbl_extend('keep', opts, { buf = vim.api.nvim_get_current_buf(), cursor = vim.api.nvim_win_get_cursor(0) })
  vim.ui.input({ prompt = 'Ask Claw: ' }, function(answer)
    if answer and vim.trim(answer) ~= '' then
      require('claw.client').ask(vim.trim(answer), opts)
    end
  end)
end

--- Explains the lines, or what the cursor stands in.
---@param opts? {range?: {[1]: integer, [2]: integer}}
function M.explain(opts)
  require('claw.client').explain(opts or {})
end

--- Accepts the hunk at the cursor, or every hunk that touches the lines; with those that it needs, if that is said.
---@param opts? {range?: {[1]: integer, [2]: integer}, with_needs?: boolean}
function M.accept(opts)
  opts = opts or {}
  for _, hunk in ipairs(require('claw.review').here(opts.range)) do
    local arguments = { session = hunk.session, hunk = hunk.hunk, with_needs = opts.with_needs or nil }
    require('claw.client').command('claw.acceptHunk', arguments)
  end
end

--- Accepts some lines of the hunk at the cursor; the rest of it goes on waiting.
---@param opts {lines?: {[1]: integer, [2]: integer}, range?: {[1]: integer, [2]: integer}} `lines` of what the hunk puts in,
--- counted from 1; or lines of the buffer that it replaces: then those that come in their place
function M.accept_lines(opts)
  local review = require('claw.review')
  local hunk = review.here(opts.range)[1]
  local lines = opts.lines or (hunk and opts.range and review.paired(hunk, opts.range))
  if hunk and lines then
    require('claw.client').command('claw.acceptHunk', { session = hunk.session, hunk = hunk.hunk, lines = lines })
  end
end

--- Opens what the hunk at the cursor puts in, to be changed: writing it accepts the hunk with that text.
function M.edit()
  local hunk = require('claw.review').here()[1]
  if hunk then
    require('claw.edit').open(hunk)
  end
end

--- Has the hunk at the cursor made anew. Without an instruction Claw asks for one.
---@param instruction? string
function M.change(instruction)
  local hunk = require('claw.review').here()[1]
  if hunk then
    require('claw.client').command('claw.changeHunk', { session = hunk.session, hunk = hunk.hunk, instruction = instruction })
  end
end

--- Settles the conflict at the cursor, or those that touch the lines.
---@param take 'mine'|'claw'|'both'
---@param opts? {range?: {[1]: integer, [2]: integer}}
function M.resolve(take, opts)
  if not vim.list_contains({ 'mine', 'claw', 'both' }, take) then
    vim.notify('claw: take what? `:Claw resolve mine`, `claw` or `both`', vim.log.levels.ERROR)
    return
  end
  for _, hunk in ipairs(require('claw.review').here(opts and opts.range)) do
    require('claw.client').command('claw.resolveHunk', { session = hunk.session, hunk = hunk.hunk, take = take })
  end
end

--- Rejects the hunk at the cursor, or every hunk that touches the lines. The reason is told to the model.
---@param opts? {range?: {[1]: integer, [2]: integer}, reason?: string}
function M.reject(opts)
  for _, hunk in ipairs(require('claw.review').here(opts and opts.range)) do
    local arguments = { session = hunk.session, hunk = hunk.hunk, reason = opts and opts.reason }
    require('claw.client').command('claw.rejectHunk', arguments)
  end
end

--- Accepts every hunk of the file that is shown.
function M.accept_file()
  local uri, sessions = require('claw.review').file()
  for _, session in ipairs(sessions) do
    require('claw.client').command('claw.acceptFile', { session = session, uri = uri })
  end
end

--- Accepts every hunk of every file.
function M.accept_all()
  require('claw.client').command('claw.acceptAll', vim.empty_dict())
end

--- Rejects every hunk of every file.
function M.reject_all()
  require('claw.client').command('claw.rejectAll', vim.empty_dict())
end

--- Takes back what was accepted last, or what is picked of all that was accepted. What you typed since stays.
---@param opts? {pick?: boolean}
function M.undo(opts)
  if not (opts and opts.pick) then
    require('claw.client').command('claw.undo', vim.empty_dict())
    return
  end
  local accepted = require('claw.review').accepted()
  if #accepted == 0 then
    vim.notify('claw: nothing of this turn was accepted', vim.log.levels.WARN)
    return
  end
  local format = {
    prompt = 'Take back',
    format_item = function(hunk)
      return hunk.title
    end,
  }
  vim.ui.select(accepted, format, function(hunk)
    if hunk then
      require('claw.client').command('claw.undo', { session = hunk.session, hunk = hunk.hunk })
    end
  end)
end

--- Brings back what was taken back last.
function M.redo()
  require('claw.client').command('claw.redo', vim.empty_dict())
end

--- Goes to the next pending hunk, in this file or another.
function M.next()
  require('claw.review').jump(1)
end

--- Goes to the previous pending hunk, in this file or another.
function M.prev()
  require('claw.review').jump(-1)
end

--- Stops the running turns.
function M.cancel()
  require('claw.client').command('claw.cancel', vim.empty_dict())
end

--- Another model from the next turn on. Without words the server asks.
---@param words? string a model, a provider, how much it thinks: `anthropic claude-sonnet-4-6 high`
function M.model(words)
  require('claw.client').command('claw.setModel', words and { words = words } or vim.empty_dict())
end

--- Shows what an ask would send, section by section, and sends nothing.
---@param instruction? string what would be asked
---@param opts? {range?: {[1]: integer, [2]: integer}}
function M.context(instruction, opts)
  require('claw.client').context(instruction or '', opts or {})
end

--- Shows the map of the workspace, what is near the cursor first.
function M.map()
  require('claw.client').map()
end

--- Says which ask put the line of the cursor there.
function M.blame()
  require('claw.client').blame()
end

--- Opens the conversation of the session that was acted on last.
function M.conversation()
  require('claw.client').conversation()
end

--- Shows what the session did that was acted on last.
function M.trace()
  require('claw.client').trace()
end

--- Says what runs and what waits for review.
function M.status()
  vim.notify(table.concat(require('claw.client').status(), '\n'))
end

--- One short text for a status line; empty when there is nothing to say.
---@return string
function M.statusline()
  local progress, pending = require('claw.progress').text(), #require('claw.review').pending()
  if progress ~= '' then
    return progress
  end
  return pending > 0 and ('claw: %d to review'):format(pending) or ''
end

return M
