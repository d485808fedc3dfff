using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>
/// A region of the own file that payloads are put into: what of it is taken, and how much of it the file system has given. A participant
/// has two of the same size: one for sends, and behind it one for payloads that a receiver could not pull, so that a move
/// never waits for messages that only the waiting receiver would take. Not thread-safe.
/// </summary>
internal sealed class OwnArena(Participant self, long start)
{
    private readonly ArenaAllocator _allocator = new(self.ArenaLimit);
    private long _allocated;

    /// <summary>Takes room that the file has already. False: there is none, or not without growing the file.</summary>
    public bool TryTakeWarm(long bytes, out long offset)
    {
        if (_allocator.TryAllocate(bytes, out offset))
        {
            if (offset + ArenaAllocator.RoundUp(bytes) <= _allocated)
            {
                offset += start;
                return true;
            }

            _allocator.Free(offset, bytes);
        }

        return false;
    }

    /// <summary>Takes room and grows the file if need be. EAGAIN: the limit is reached; ENOSPC and the like: the file cannot grow.</summary>
    public SysResult Take(long bytes, out long offset)
    {
        if (!_allocator.TryAllocate(bytes, out offset))
            return SysResult.Failed(Errno.EAGAIN);
        SysResult grown = Grow(offset + ArenaAllocator.RoundUp(bytes));
        if (!grown.Succeeded)
            _allocator.Free(offset, bytes);
        offset += start;
        return grown;
    }

    public void Free(long offset, long bytes) => _allocator.Free(offset - start, bytes);

    private SysResult Grow(long wanted)
    {
        if (wanted <= _allocated)
            return SysResult.Ok();

        // Some more than needed, so that a stream of messages does not allocate each time; just what is needed if that is refused.
        long generous = Math.Min(self.ArenaLimit, Pages.RoundUp(wanted + Math.Min(wanted / 4, 16 << 20)));
        SysResult grown = self.Allocate(start + _allocated, generous - _allocated);
        if (!grown.Succeeded)
        {
            generous = Pages.RoundUp(wanted);
            grown = self.Allocate(start + _allocated, generous - _allocated);
        }

        if (grown.Succeeded)
            _allocated = generous;
        return grown;
    }
}
