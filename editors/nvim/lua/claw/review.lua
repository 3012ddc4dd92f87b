--- What waits for review, drawn into the buffers: old lines marked, new lines as virtual lines below them.
---
--- The server owns the proposal and sends all of it after each change; here it is only kept and drawn. Between two
--- messages the marks move with the text, so the place of a hunk is asked of its mark and not of the message.
local M = {}

local namespace = vim.api.nvim_create_namespace('claw.review')

---@class claw.Hunk one that waits: `pending` or `conflict`
---@field client integer
---@field session string
---@field hunk string
---@field state 'pending'|'conflict'
---@field change 'edit'|'create'|'delete'|'rename'
---@field uri string the file as it is now; of a created one, where it will be
---@field new_uri string where a renamed one goes
---@field start_line integer 1-based
---@field old string[] lines
---@field new string[] lines
---@field title string
---@field marks table<integer, integer> buffer → mark

--- By client, then session: files as the server sent them.
---@type table<integer, table<string, table[]>>
local proposals = {}
--- Flat, in the order of review.
---@type claw.Hunk[]
local waiting = {}

---@param text string
---@return string[]
local function lines_of(text)
  if text == '' then
    return {}
  end
  text = text:gsub('\r\n?', '\n')
  local lines = vim.split(text, '\n', { plain = true })
  if lines[#lines] == '' then
    lines[#lines] = nil
  end
  return lines
end

local warnings = { hidden_characters = 'hides characters', syntax = 'adds a syntax error', protected = 'protected path' }

---What to look at before the hunk is accepted, in front of what it does.
---@param hunk table of the contract
---@param what string
---@return string
local function warned(hunk, what)
  local words = {}
  for _, flag in ipairs(hunk.flags or {}) do
    words[#words + 1] = warnings[flag] or flag
  end
  return #words > 0 and table.concat(words, ', ') .. ': ' .. what or what
end

---@param hunk table of the contract
---@param file table of the contract
---@return string
local function title_of(hunk, file)
  local what = ({
    create = 'new file',
    delete = 'delete this file',
    rename = 'move to ' .. vim.fn.fnamemodify(vim.uri_to_fname(file.uri), ':~:.'),
    edit = hunk.summary or hunk.symbol or 'change',
  })[file.change]
  what = warned(hunk, what)
  return hunk.state == 'conflict' and what .. ' (conflict: these lines were changed since)' or what
end

local function flatten()
  waiting = {}
  for client, sessions in vim.spairs(proposals) do
    for session, files in vim.spairs(sessions) do
      for _, file in ipairs(files) do
        for _, hunk in ipairs(file.hunks) do
          if hunk.state == 'pending' or hunk.state == 'conflict' then
            waiting[#waiting + 1] = {
              client = client,
              session = session,
              hunk = hunk.hunk,
              state = hunk.state,
              change = file.change,
              uri = file.change == 'rename' and type(file.old_uri) == 'string' and file.old_uri or file.uri,
              new_uri = file.uri,
              start_line = hunk.start_line,
              old = lines_of(hunk.old_text),
              new = lines_of(hunk.new_text),
              title = title_of(hunk, file),
              marks = {},
            }
          end
        end
      end
    end
  end
end

--- The buffer that shows a file, if there is one.
---@param uri string
---@return integer?
local function buffer_of(uri)
  local name = vim.fs.normalize(vim.uri_to_fname(uri))
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buf) and vim.bo[buf].buftype == '' then
      if vim.fs.normalize(vim.api.nvim_buf_get_name(buf)) == name then
        return buf
      end
    end
  end
end

--- The preview of a file that does not exist yet, if it is open.
---@param hunk claw.Hunk
---@return integer?
local function preview_of(hunk)
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    if vim.b[buf].claw_preview == hunk.session .. ' ' .. hunk.hunk then
      return buf
    end
  end
end

--- New lines, each as wide as the screen so that the colour does not end with the text.
---@param hunk claw.Hunk
---@param buf integer
---@return table[]
local function virtual_lines(hunk, buf)
  local tab = string.rep(' ', vim.bo[buf].tabstop)
  return vim.tbl_map(function(line)
    line = line:gsub('\t', tab)
    return { { line .. string.rep(' ', vim.o.columns - vim.api.nvim_strwidth(line)), 'ClawNew' } }
  end, hunk.new)
end

---@param buf integer
---@param hunk claw.Hunk
---@param number integer of the hunk among all
local function draw_hunk(buf, hunk, number)
  local count = vim.api.nvim_buf_line_count(buf)
  local text = hunk.change ~= 'rename'
  local old = text and hunk.old or {}
  -- An insertion at the end of the file stands below the last line: there is no line above which to put it.
  local below = #old > 0 or hunk.start_line > count
  local row = math.min(math.max(hunk.start_line, 1), count) - 1
  local last = math.min(row + math.max(#old, 1), count) - 1
  local conflict = hunk.state == 'conflict'
  hunk.marks[buf] = vim.api.nvim_buf_set_extmark(buf, namespace, row, 0, {
    end_row = last,
    end_col = 0,
    strict = false,
    sign_text = conflict and '!' or (#old == 0 and '+' or '~'),
    sign_hl_group = 'ClawSign',
    virt_text = { { ('  ◆ %d/%d %s'):format(number, #waiting, hunk.title), 'ClawTitle' } },
  })
  for line = row, row + #old - 1 do
    if line < count then
      vim.api.nvim_buf_set_extmark(buf, namespace, line, 0, { line_hl_group = conflict and 'ClawConflict' or 'ClawOld' })
    end
  end
  local new = text and virtual_lines(hunk, buf) or {}
  if #new == 0 then
    return
  end
  vim.api.nvim_buf_set_extmark(buf, namespace, below and last or row, 0, { virt_lines = new, virt_lines_above = not below })
  if not below and row == 0 then
    -- Lines above the first are shown only to a window that has been scrolled there.
    for _, window in ipairs(vim.fn.win_findbuf(buf)) do
      vim.api.nvim_win_call(window, function()
        if vim.fn.line('w0') == 1 then
          vim.fn.winrestview({ topfill = #new })
        end
      end)
    end
  end
end

---@param buf integer
local function draw(buf)
  vim.api.nvim_buf_clear_namespace(buf, namespace, 0, -1)
  for number, hunk in ipairs(waiting) do
    if hunk.change ~= 'create' and buffer_of(hunk.uri) == buf then
      draw_hunk(buf, hunk, number)
    end
  end
end

--- What the server sent: all of one session's proposal.
---@param client integer
---@param proposal {session: string, files: table[]}
function M.set(client, proposal)
  proposals[client] = proposals[client] or {}
  proposals[client][proposal.session] = proposal.files
  flatten()
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buf) and vim.bo[buf].buftype == '' then
      draw(buf)
    end
  end
  M.close_previews()
  vim.cmd.redrawstatus()
  vim.api.nvim_exec_autocmds('User', { pattern = 'ClawReview', modeline = false, data = { pending = #waiting } })
end

--- The server has gone, and its proposals with it.
---@param client integer
function M.forget(client)
  for session in pairs(proposals[client] or {}) do
    M.set(client, { session = session, files = {} })
  end
  proposals[client] = nil
end

--- Everything that waits, in the order of review.
---@return claw.Hunk[]
function M.pending()
  return waiting
end

--- Rows that a hunk takes in a buffer, 0-based, both included.
---@param hunk claw.Hunk
---@param buf integer
---@return integer?, integer?
local function rows(hunk, buf)
  if vim.b[buf].claw_preview == hunk.session .. ' ' .. hunk.hunk then
    return 0, vim.api.nvim_buf_line_count(buf) - 1
  end
  local mark = hunk.marks[buf]
  local place = mark and vim.api.nvim_buf_get_extmark_by_id(buf, namespace, mark, { details = true })
  if place and place[1] then
    return place[1], math.max(place[3].end_row or place[1], place[1])
  end
end

--- The hunks in the current buffer that touch the lines; without lines, the one at the cursor. Says so if there is none.
---@param range? {[1]: integer, [2]: integer} 1-based, both included
---@return claw.Hunk[]
function M.here(range)
  local buf = vim.api.nvim_get_current_buf()
  local cursor = vim.api.nvim_win_get_cursor(0)[1]
  local first, last = range and range[1] or cursor, range and range[2] or cursor
  local found = {}
  for _, hunk in ipairs(waiting) do
    local from, to = rows(hunk, buf)
    if from and to and from < last and first <= to + 1 then
      found[#found + 1] = hunk
    end
  end
  if #found == 0 then
    vim.notify(#waiting > 0 and 'claw: no hunk here, :Claw next goes to one' or 'claw: nothing waits for review', vim.log.levels.WARN)
  end
  return range and found or { found[1] }
end

--- The file that is shown, and the sessions that propose something for it. Says so if there is none.
---@return string uri
---@return string[] sessions
function M.file()
  local buf, uri, sessions = vim.api.nvim_get_current_buf(), nil, {}
  for _, hunk in ipairs(waiting) do
    if rows(hunk, buf) and not vim.list_contains(sessions, hunk.session) then
      sessions[#sessions + 1], uri = hunk.session, hunk.new_uri
    end
  end
  if not uri then
    vim.notify('claw: nothing waits for review in this file', vim.log.levels.WARN)
  end
  return uri or '', sessions
end

--- A file that does not exist yet, in a buffer that is not a file.
---@param hunk claw.Hunk
local function preview(hunk)
  local buf = preview_of(hunk)
  if not buf then
    local path = vim.uri_to_fname(hunk.uri)
    buf = vim.api.nvim_create_buf(false, true)
    vim.b[buf].claw_preview = hunk.session .. ' ' .. hunk.hunk
    vim.b[buf].claw_path = path
    vim.api.nvim_buf_set_name(buf, 'claw-new://' .. path)
    vim.api.nvim_buf_set_lines(buf, 0, -1, false, hunk.new)
    vim.bo[buf].modifiable = false
    vim.bo[buf].filetype = vim.filetype.match({ filename = path }) or ''
    for row = 0, #hunk.new - 1 do
      vim.api.nvim_buf_set_extmark(buf, namespace, row, 0, { line_hl_group = 'ClawNew' })
    end
  end
  vim.api.nvim_win_set_buf(0, buf)
end

--- Previews whose hunk has been decided make room for the file, if there is one now.
function M.close_previews()
  local open = {}
  for _, hunk in ipairs(waiting) do
    open[hunk.session .. ' ' .. hunk.hunk] = true
  end
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    local key = vim.b[buf].claw_preview
    if key and not open[key] then
      local file = buffer_of(vim.uri_from_fname(vim.b[buf].claw_path))
      for _, window in ipairs(vim.fn.win_findbuf(buf)) do
        vim.api.nvim_win_call(window, function()
          if file then
            vim.api.nvim_win_set_buf(window, file)
          else
            vim.cmd.enew()
          end
        end)
      end
      vim.api.nvim_buf_delete(buf, { force = true })
    end
  end
end

--- Shows a hunk and puts the cursor on it.
---@param hunk claw.Hunk
---@param number integer
local function show(hunk, number)
  vim.cmd.normal({ "m'", bang = true })
  if hunk.change == 'create' then
    preview(hunk)
  else
    local buf = vim.fn.bufadd(vim.uri_to_fname(hunk.uri))
    vim.bo[buf].buflisted = true
    vim.fn.bufload(buf)
    vim.api.nvim_win_set_buf(0, buf)
    draw(buf)
    local row = rows(hunk, buf) or 0
    vim.api.nvim_win_set_cursor(0, { row + 1, 0 })
    vim.cmd.normal({ 'zvzz', bang = true })
  end
  vim.api.nvim_echo({ { ('claw: %d/%d %s'):format(number, #waiting, hunk.title), 'ClawTitle' } }, false, {})
end

--- Goes to the next hunk (1) or the previous one (-1): in this buffer first, then in the files after or before it.
---@param direction 1|-1
function M.jump(direction)
  if #waiting == 0 then
    vim.notify('claw: nothing waits for review', vim.log.levels.WARN)
    return
  end
  local buf, cursor = vim.api.nvim_get_current_buf(), vim.api.nvim_win_get_cursor(0)[1] - 1
  local first, last, before, after
  for number, hunk in ipairs(waiting) do
    local row = rows(hunk, buf)
    if row then
      first, last = first or number, number
      if vim.b[buf].claw_preview == nil then
        before = row < cursor and number or before
        after = after or (row > cursor and number or nil)
      end
    end
  end
  local number
  if direction == 1 then
    number = after or (last and last + 1) or 1
  else
    number = before or (first and first - 1) or #waiting
  end
  number = (number - 1) % #waiting + 1
  show(waiting[number], number)
end

local group = vim.api.nvim_create_augroup('claw.review', {})
vim.api.nvim_create_autocmd({ 'BufReadPost', 'BufWinEnter' }, {
  group = group,
  callback = function(args)
    if #waiting > 0 and vim.bo[args.buf].buftype == '' then
      draw(args.buf)
    end
  end,
})

return M
