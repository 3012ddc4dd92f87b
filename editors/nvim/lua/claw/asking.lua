--- Questions of the server: the whole of a long one is shown beside the menu of its answers.
local M = {}

--- Lines that a text takes in a window of this width.
local function height_of(lines, width)
  local height = 0
  for _, line in ipairs(lines) do
    height = height + math.max(1, math.ceil(vim.fn.strdisplaywidth(line) / width))
  end
  return height
end

--- Shows a text in a window that is not entered.
---@param text string
---@return fun() close
local function show(text)
  local lines = vim.split(text, '\n')
  local buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].bufhidden = 'wipe'
  local width = math.max(20, math.min(100, vim.o.columns - 4))
  local win = vim.api.nvim_open_win(buf, false, {
    relative = 'editor',
    row = 1,
    col = math.max(0, math.floor((vim.o.columns - width) / 2)),
    width = width,
    height = math.max(1, math.min(height_of(lines, width), vim.o.lines - 6)),
    style = 'minimal',
    border = 'rounded',
    title = ' Claw asks ',
    noautocmd = true,
  })
  vim.wo[win].wrap = true
  vim.cmd.redraw() -- a menu may wait for a key before anything is drawn
  return function()
    if vim.api.nvim_win_is_valid(win) then
      vim.api.nvim_win_close(win, true)
    end
  end
end

--- Handles `window/showMessageRequest`. A menu shows one line of a prompt, and that may not be all of a command: then the whole
--- stands in a window until there is an answer. Without one the answer is no.
---@param params lsp.ShowMessageRequestParams
function M.choose(_, params)
  local co = coroutine.running()
  local message = params.message
  local is_long = message:find('\n', 1, true) ~= nil or vim.fn.strdisplaywidth(message) > vim.o.columns - 10
  local close = is_long and show(message) or function() end
  local options = {
    kind = 'claw',
    prompt = (is_long and 'Claw asks (see above)' or message) .. ': ',
    format_item = function(action)
      return (action.title:gsub('%c', ' '))
    end,
  }
  local function answer(choice)
    close()
    -- Scheduled: an implementation that answers at once would resume before the yield.
    vim.schedule(function()
      coroutine.resume(co, choice or vim.NIL)
    end)
  end
  local ok, problem = pcall(vim.ui.select, params.actions or {}, options, answer)
  if not ok then
    vim.notify(('claw: the question could not be shown: %s'):format(problem), vim.log.levels.ERROR)
    answer(nil)
  end
  return coroutine.yield()
end

return M
