--- What a hunk puts in, in a window of its own, to be changed before it is accepted.
local M = {}

--- Opens it. Writing the buffer accepts the hunk with the text as it is then; closing it without writing leaves the hunk as it was.
---@param hunk claw.Hunk
function M.open(hunk)
  if hunk.state == 'conflict' then
    vim.notify('claw: a conflict is settled first: `:Claw resolve mine`, `claw` or `both`', vim.log.levels.WARN)
    return
  end
  if hunk.change == 'delete' or hunk.change == 'rename' then
    vim.notify('claw: this hunk puts in no text', vim.log.levels.WARN)
    return
  end
  local path = vim.uri_to_fname(hunk.uri)
  local origin = vim.api.nvim_get_current_buf()
  local filetype = vim.filetype.match({ filename = path }) or vim.bo.filetype
  local name = ('claw-edit://%s#%s'):format(path, hunk.hunk)
  local stale = vim.fn.bufnr(('^%s$'):format(vim.fn.fnameescape(name)))
  if stale >= 0 then
    vim.api.nvim_buf_delete(stale, { force = true })
  end
  local buf = vim.api.nvim_create_buf(false, false)
  vim.api.nvim_buf_set_name(buf, name)
  vim.bo[buf].buftype = 'acwrite'
  vim.bo[buf].bufhidden = 'wipe'
  vim.bo[buf].swapfile = false
  -- Not an undo step: the text is there from the start.
  vim.bo[buf].undolevels = -1
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, hunk.new)
  vim.bo[buf].undolevels = vim.o.undolevels
  vim.bo[buf].modified = false
  local height = math.min(math.max(#hunk.new + 1, 5), math.max(vim.o.lines - 8, 5))
  local options = {
    relative = 'editor',
    width = math.min(100, math.max(vim.o.columns - 8, 20)),
    height = height,
    row = math.max(math.floor((vim.o.lines - height) / 2) - 1, 0),
    col = math.max(math.floor((vim.o.columns - math.min(100, vim.o.columns - 8)) / 2), 0),
    border = 'rounded',
    title = ' Claw: :w accepts this text, :q leaves the hunk as it was ',
  }
  local window = vim.api.nvim_open_win(buf, true, options)
  vim.bo[buf].filetype = filetype
  vim.wo[window].number = true
  vim.api.nvim_create_autocmd('BufWriteCmd', {
    buffer = buf,
    callback = function()
      local text = table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, false), '\n')
      if text ~= '' and not hunk.ends_open then
        text = text .. '\n'
      end
      -- Waited for: with `:wq` the text would be gone before a refusal is heard.
      if require('claw.client').command_now('claw.acceptHunk', { session = hunk.session, hunk = hunk.hunk, text = text }, origin) then
        vim.bo[buf].modified = false
        vim.schedule(function()
          if vim.api.nvim_buf_is_valid(buf) then
            vim.api.nvim_buf_delete(buf, { force = true })
          end
        end)
      end
    end,
  })
end

return M
