using System.Buffers;
using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>
/// A message whose sender waits for its completion, with the pins that hold its payload still. The pins are let go when the message
/// is done or withdrawn, and not before.
/// </summary>
internal sealed unsafe class AttachedSend(int block, uint generation, MemoryHandle[] pins, iovec[] segments, long length)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public int Block { get; } = block;

    public uint Generation { get; } = generation;

    public long Length { get; } = length;

    /// <summary>Held while the payload is being copied into the arena, so that it is not withdrawn under the copy.</summary>
    public Lock Gate { get; } = new();

    /// <summary>The payload must not be touched any more. Under <see cref="Gate"/>.</summary>
    public bool IsOver { get; private set; }

    /// <summary>A move is under way or waits for room. Under <see cref="Gate"/>.</summary>
    public bool IsMoving { get; set; }

    public Task Completion => _done.Task;

    public bool IsAttached => pins.Length > 0;

    public void Complete() => _done.TrySetResult();

    public void Fail(Exception exception) => _done.TrySetException(exception);

    /// <summary>
    /// Copies the payload within this process; 0 or errno. Through the kernel, so that memory which the caller has unmapped
    /// against the rules is an error and not the end of the process; where the call is denied, as any copy is made.
    /// </summary>
    public int CopyPayload(byte* destination)
    {
        foreach (iovec segment in segments)
        {
            nuint copied = 0;
            while (copied < segment.iov_len)
            {
                iovec from = new(segment.iov_base + copied, segment.iov_len - copied);
                iovec to = new((nuint)destination, from.iov_len);
                SysResult r = Uio.process_vm_readv(Environment.ProcessId, &to, 1, &from, 1);
                if (r.Errno is Errno.EPERM or Errno.ENOSYS)
                    Buffer.MemoryCopy((void*)from.iov_base, destination, from.iov_len, from.iov_len);
                else if (r.Value <= 0)
                    return r.Succeeded ? Errno.EFAULT : r.Errno;
                nuint n = r.Succeeded ? (nuint)r.Value : from.iov_len;
                copied += n;
                destination += n;
            }
        }

        return 0;
    }

    public void Unpin()
    {
        lock (Gate)
        {
            if (IsOver)
                return;
            IsOver = true;
        }

        foreach (MemoryHandle pin in pins)
            pin.Dispose();
    }
}
