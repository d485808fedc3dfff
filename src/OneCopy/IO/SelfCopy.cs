using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy.IO;

/// <summary>
/// Copies between mapped memory and a buffer of this process through the kernel: a page that is not there ends the copy, and never the process.
/// </summary>
internal static unsafe class SelfCopy
{
    private static readonly int s_pid = Environment.ProcessId;
    private static readonly bool s_blocked = ProcessVmProbe.IsBlocked(out _) || ProcessVmProbe.IsWriteBlocked(out _);

    /// <summary>How many bytes were moved, from the first on; exact to the page. Errno is EFAULT where it ended early.</summary>
    public static long Read(byte* source, Span<byte> destination, out int errno)
    {
        fixed (byte* d = destination)
            return Run(TransferDirection.Read, (nuint)source, (nuint)d, (nuint)destination.Length, out errno);
    }

    /// <summary>The other direction.</summary>
    public static long Write(byte* destination, ReadOnlySpan<byte> source, out int errno)
    {
        fixed (byte* s = source)
            return Run(TransferDirection.Write, (nuint)destination, (nuint)s, (nuint)source.Length, out errno);
    }

    /// <summary>Whether one byte can be read.</summary>
    public static bool CanRead(byte* address)
    {
        byte b;
        return Read(address, new Span<byte>(&b, 1), out _) == 1;
    }

    /// <summary>Of any length. As the two above; what is mapped is on the side that the direction is seen from.</summary>
    public static long Run(TransferDirection direction, nuint mapped, nuint buffer, nuint length, out int errno)
    {
        if (s_blocked)
            return RunWithoutProcessVm(direction, mapped, buffer, length, out errno);
        nuint moved = 0;
        errno = 0;
        while (moved < length)
        {
            iovec local = new(buffer + moved, length - moved);
            iovec remote = new(mapped + moved, length - moved);
            SysResult r = direction == TransferDirection.Read
                ? Uio.process_vm_readv(s_pid, &local, 1, &remote, 1)
                : Uio.process_vm_writev(s_pid, &local, 1, &remote, 1);
            if (r.Value <= 0)
            {
                errno = r.Succeeded ? Errno.EFAULT : r.Errno;
                break;
            }
            moved += (nuint)r.Value;
        }
        return (long)moved;
    }

    // A seccomp filter has the calls: /proc/self/mem, which asks the map of the process first.
    private static long RunWithoutProcessVm(TransferDirection direction, nuint mapped, nuint buffer, nuint length, out int errno)
    {
        using PinnedProcess self = PinnedProcess.Open(s_pid);
        iovec localSegment = new(buffer, length);
        iovec remoteSegment = new(mapped, length);
        SegmentCursor local = new(new ReadOnlySpan<iovec>(in localSegment));
        SegmentCursor remote = new(new ReadOnlySpan<iovec>(in remoteSegment));
        TransferOutcome outcome = ProcMemTransfer.Run(direction, self, ref remote, ref local);
        errno = outcome.Errno;
        return outcome.Bytes;
    }
}
