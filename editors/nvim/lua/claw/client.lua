--- The language client: its configuration, the messages that only Claw has, and the requests the plugin makes.
local M = {}

local handlers = {}

--- What |vim.lsp.config()| takes.
---@return vim.lsp.Config
function M.config()
  local options = require('claw').options
  require('claw.progress') -- listens from now on
  ---@type vim.lsp.Config
  return {
    cmd = options.cmd,
    filetypes = options.filetypes,
    root_markers = options.root_markers,
    init_options = options.settings,
    settings = { claw = options.settings },
    capabilities = {
      experimental = { claw = { events = true, review = 1, input = true, diagnostics = true } },
    },
    handlers = handlers,
    on_exit = function(code, signal, client_id)
      vim.schedule(function()
        require('claw.review').forget(client_id)
        require('claw.progress').forget(client_id)
        if code ~= 0 and signal == 0 then
          vim.notify(('claw: the server stopped with exit code %d, see :checkhealth claw'):format(code), vim.log.levels.ERROR)
        end
      end)
    end,
  }
end

--- The server of a buffer; of any buffer when this one has none (an unnamed or a preview buffer).
---@param buf? integer
---@return vim.lsp.Client?
function M.get(buf)
  return vim.lsp.get_clients({ name = 'claw', bufnr = buf or vim.api.nvim_get_current_buf() })[1]
    or vim.lsp.get_clients({ name = 'claw' })[1]
end

--- The server of a buffer, or a message that there is none.
---@param buf? integer
---@return vim.lsp.Client?
local function running(buf)
  local client = M.get(buf)
  if not client then
    vim.notify('claw: no server runs for this buffer, see :checkhealth claw', vim.log.levels.ERROR)
  end
  return client
end

--- Shows what the server says of a command: that it failed, or what it left out.
---@param name string
---@param problem? string
---@param result any
---@return boolean did it do what it was told
local function answered(name, problem, result)
  local message = type(result) == 'table' and type(result.message) == 'string' and result.message or nil
  if problem then
    vim.notify(('claw: %s'):format(problem), vim.log.levels.ERROR)
    return false
  elseif type(result) == 'table' and result.ok == false then
    vim.notify(('claw: %s'):format(message or (name .. ' failed')), vim.log.levels.WARN)
    return false
  elseif message and not result.skipped then -- what was skipped is a message of the server's own
    vim.notify(('claw: %s'):format(message))
  end
  return true
end

--- Runs a command of the server. `ok: false` is shown with its reason.
---@param name string
---@param arguments table
---@param then_? fun(result: table)
---@param buf? integer
function M.command(name, arguments, then_, buf)
  local client = running(buf)
  if client then
    client:request('workspace/executeCommand', { command = name, arguments = { arguments } }, function(err, result)
      if answered(name, err and err.message, result) and then_ then
        then_(result)
      end
    end)
  end
end

--- Like |M.command()|, and waits for the answer.
---@param name string
---@param arguments table
---@param buf? integer
---@return boolean did it do what it was told
function M.command_now(name, arguments, buf)
  local client = running(buf)
  if not client then
    return false
  end
  local answer, problem = client:request_sync('workspace/executeCommand', { command = name, arguments = { arguments } }, 5000)
  return answered(name, problem or (answer.err and answer.err.message), answer and answer.result)
end

--- Where the user is: the document, and the lines or the cursor.
---@param opts {range?: {[1]: integer, [2]: integer}, buf?: integer, cursor?: {[1]: integer, [2]: integer}}
---@return {uri?: string, range?: lsp.Range}
local function focus(opts)
  local buf = opts.buf or vim.api.nvim_get_current_buf()
  local client = vim.lsp.get_clients({ name = 'claw', bufnr = buf })[1]
  if not client then
    return {}
  end
  local uri = vim.uri_from_bufnr(buf)
  if opts.range then
    local first, last = opts.range[1], opts.range[2]
    local text = vim.api.nvim_buf_get_lines(buf, last - 1, last, false)[1] or ''
    local column = vim.str_utfindex(text, client.offset_encoding)
    return { uri = uri, range = { start = { line = first - 1, character = 0 }, ['end'] = { line = last - 1, character = column } } }
  end
  local row, column = unpack(opts.cursor or vim.api.nvim_win_get_cursor(0))
  local text = vim.api.nvim_buf_get_lines(buf, row - 1, row, false)[1] or ''
  local position = { line = row - 1, character = vim.str_utfindex(text, client.offset_encoding, math.min(column, #text), false) }
  return { uri = uri, range = { start = position, ['end'] = position } }
end

---@param instruction string
---@param opts {range?: {[1]: integer, [2]: integer}, mode?: string, buf?: integer, cursor?: {[1]: integer, [2]: integer}}
function M.ask(instruction, opts)
  local arguments = vim.tbl_extend('error', focus(opts), { instruction = instruction, mode = opts.mode })
  M.command('claw.ask', arguments, nil, opts.buf)
end

---@param opts {range?: {[1]: integer, [2]: integer}}
function M.explain(opts)
  M.command('claw.explain', vim.tbl_extend('error', focus(opts), vim.empty_dict()))
end

--- Opens the text of an answer in a window of its own, where it can be read and not be saved.
---@param name string
---@param filetype string
---@return fun(result: table)
local function reader(name, filetype)
  return function(result)
    if type(result.text) ~= 'string' then
      return -- one that takes long has said so
    end
    local buf = vim.fn.bufnr(('^%s$'):format(name))
    if buf == -1 then
      buf = vim.api.nvim_create_buf(true, true)
      vim.api.nvim_buf_set_name(buf, name)
    end
    vim.bo[buf].modifiable = true
    vim.api.nvim_buf_set_lines(buf, 0, -1, false, vim.split(vim.trim(result.text), '\n'))
    vim.bo[buf].modifiable = false
    vim.bo[buf].filetype = filetype
    local window = vim.fn.win_findbuf(buf)[1]
    if window then
      vim.api.nvim_set_current_win(window)
    else
      vim.cmd.sbuffer(buf)
    end
  end
end

---@param instruction string
---@param opts {range?: {[1]: integer, [2]: integer}}
function M.context(instruction, opts)
  local arguments = vim.tbl_extend('error', focus(opts), { instruction = instruction })
  M.command('claw.context', arguments, reader('claw://context', 'markdown'))
end

function M.map()
  M.command('claw.map', vim.tbl_extend('error', focus({}), vim.empty_dict()), reader('claw://map', ''))
end

function M.blame()
  M.command('claw.blame', vim.tbl_extend('error', focus({}), vim.empty_dict()))
end

--- The server has it opened.
function M.conversation()
  M.command('claw.openConversation', vim.empty_dict())
end

function M.trace()
  M.command('claw.trace', vim.empty_dict(), reader('claw://trace', ''))
end

--- What runs and what waits, line by line.
---@return string[]
function M.status()
  local client = M.get()
  if not client then
    return { 'claw: no server runs for this buffer, see :checkhealth claw' }
  end
  local running, lines = require('claw.progress').running(), {}
  for _, title in ipairs(running) do
    lines[#lines + 1] = ('claw: running: %s'):format(title)
  end
  local files, hunks = {}, require('claw.review').pending()
  for _, hunk in ipairs(hunks) do
    files[hunk.uri] = true
  end
  if #hunks > 0 then
    local conflicts = #vim.tbl_filter(function(hunk)
      return hunk.state == 'conflict'
    end, hunks)
    local what = ('claw: %d hunks in %d files to review'):format(#hunks, vim.tbl_count(files))
    lines[#lines + 1] = conflicts > 0 and ('%s, %d in conflict'):format(what, conflicts) or what
  end
  if #lines == 0 then
    lines[1] = 'claw: ready, nothing runs and nothing waits for review'
  end
  return lines
end

handlers['claw/proposal'] = function(_, params, ctx)
  require('claw.review').set(ctx.client_id, params)
end

handlers['claw/event'] = function(_, event, ctx)
  vim.api.nvim_exec_autocmds('User', { pattern = 'ClawEvent', modeline = false, data = { client_id = ctx.client_id, event = event } })
end

handlers['window/showMessageRequest'] = function(...)
  return require('claw.asking').choose(...)
end

-- One line from the user. The reply waits for it, so the handler yields, as Neovim's own handler of showMessageRequest does.
handlers['claw/input'] = function(_, params)
  local co = coroutine.running()
  local default = params.default
  vim.ui.input({ prompt = params.prompt .. ' ', default = type(default) == 'string' and default or nil }, function(answer)
    -- Scheduled: an implementation that answers at once would resume before the yield.
    vim.schedule(function()
      coroutine.resume(co, answer or vim.NIL)
    end)
  end)
  return coroutine.yield()
end

-- The diagnostics of every other server, as the protocol writes them.
handlers['claw/diagnostics'] = function(_, params, ctx)
  local client = assert(vim.lsp.get_client_by_id(ctx.client_id))
  local own = vim.lsp.diagnostic.get_namespace(ctx.client_id)
  local buffers = {}
  if type(params) == 'table' and vim.islist(params.uris) then
    for _, uri in ipairs(params.uris) do
      local buf = vim.fn.bufnr(vim.uri_to_fname(uri))
      buffers[#buffers + 1] = buf >= 0 and buf or nil
    end
  else
    buffers = vim.api.nvim_list_bufs()
  end
  local files = {}
  for _, buf in ipairs(buffers) do
    local diagnostics = {}
    for _, diagnostic in ipairs(vim.diagnostic.get(buf)) do
      if diagnostic.namespace ~= own then
        diagnostics[#diagnostics + 1] = M.diagnostic(diagnostic, client.offset_encoding)
      end
    end
    if #diagnostics > 0 then
      files[#files + 1] = { uri = vim.uri_from_bufnr(buf), diagnostics = diagnostics }
    end
  end
  return { items = files }
end

--- A diagnostic of Neovim (bytes) as the protocol writes it (in the encoding this server speaks).
---@param diagnostic vim.Diagnostic
---@param encoding string
---@return lsp.Diagnostic
function M.diagnostic(diagnostic, encoding)
  local function position(row, column)
    local text = ''
    if vim.api.nvim_buf_is_loaded(diagnostic.bufnr) then
      text = vim.api.nvim_buf_get_lines(diagnostic.bufnr, row, row + 1, false)[1] or ''
    end
    return { line = row, character = vim.str_utfindex(text, encoding, math.min(column, #text), false) }
  end
  return {
    range = {
      start = position(diagnostic.lnum, diagnostic.col),
      ['end'] = position(diagnostic.end_lnum or diagnostic.lnum, diagnostic.end_col or diagnostic.col),
    },
    severity = diagnostic.severity,
    message = diagnostic.message,
    source = diagnostic.source,
    code = diagnostic.code,
  }
end

-- The plugin draws the hunks itself, so the server's hint for each would say everything twice.
handlers['textDocument/publishDiagnostics'] = function(err, result, ctx)
  if result and not require('claw').options.diagnostics then
    result.diagnostics = {}
  end
  return vim.lsp.diagnostic.on_publish_diagnostics(err, result, ctx)
end

-- Ends the undo step of every buffer that an edit may change.
local function undo_break()
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buf) and vim.bo[buf].modifiable and vim.bo[buf].buftype == '' then
      vim.bo[buf].undolevels = vim.bo[buf].undolevels
    end
  end
end

-- Every accepted edit is an undo step of its own, also when several arrive between two keys, or while the user types.
handlers['workspace/applyEdit'] = function(err, params, ctx)
  undo_break()
  params.label = nil -- it would be printed, and the hunk that goes away says as much
  local result = vim.lsp.handlers['workspace/applyEdit'](err, params, ctx)
  undo_break()
  return result
end

return M
