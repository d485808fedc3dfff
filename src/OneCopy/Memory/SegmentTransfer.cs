using System.Runtime.CompilerServices;
using OneCopy.Interop;

namespace OneCopy.Memory;

/// <summary>Which way the bytes go, seen from this process.</summary>
internal enum TransferDirection
{
    Read,
    Write,
}

/// <summary>
/// How far a transfer came, and the errno that ended it: 0 at the end of the shorter side. With EFAULT,
/// <paramref name="Fault"/> says which side's cursor is at the hole.
/// </summary>
internal readonly record struct TransferOutcome(long Bytes, int Errno, TransferFault Fault = TransferFault.None);

/// <summary>
/// Any number of segments on both sides, over process_vm_readv(2) or process_vm_writev(2): cut into calls of at most IOV_MAX
/// segments a side and MAX_RW_COUNT bytes, gone on with after a short count, ended by an error.
/// </summary>
internal static unsafe class SegmentTransfer
{
    /// <summary>
    /// The shorter side counts. Both cursors are left at the first byte that was not moved, so that after EFAULT one of the two is
    /// at the hole: the kernel cuts at a page, inside a segment, and the call begun again right there fails with nothing copied.
    /// Allocates nothing; the windows of up to 1024 segments a side are on the stack (32 KiB).
    /// </summary>
    [SkipLocalsInit]
    public static TransferOutcome Run(TransferDirection direction, int pid, ref SegmentCursor remote, ref SegmentCursor local)
    {
        int localWindow = Math.Min(local.SegmentsLeft, Uio.IOV_MAX);
        int remoteWindow = Math.Min(remote.SegmentsLeft, Uio.IOV_MAX);
        iovec* locals = stackalloc iovec[localWindow];
        iovec* remotes = stackalloc iovec[remoteWindow];
        long moved = 0;
        while (!local.AtEnd && !remote.AtEnd)
        {
            int l = local.Fill(new Span<iovec>(locals, localWindow), (nuint)Uio.MaxBytesPerCall, out nuint bytes);
            int r = remote.Fill(new Span<iovec>(remotes, remoteWindow), bytes, out _);
            SysResult result = Call(direction, pid, locals, l, remotes, r);

            // A local address beyond user space is refused before anything is copied, wherever in the list it is: find it one by one.
            if (result.Errno == Errno.EFAULT && l > 1)
                result = Call(direction, pid, locals, 1, remotes, r);

            // 0 was never seen with a length left; taken for a fault so that no kernel can make this loop for ever.
            int errno = result.Value == 0 ? Errno.EFAULT : result.Errno;
            if (errno == Errno.EFAULT)
                return new TransferOutcome(moved, errno, SideOfHole(direction, pid, remote.Address, local.Address));
            if (errno != 0)
                return new TransferOutcome(moved, errno);
            local.Advance((nuint)result.Value);
            remote.Advance((nuint)result.Value);
            moved += result.Value;
        }
        return new TransferOutcome(moved, 0);
    }

    private static SysResult Call(TransferDirection direction, int pid, iovec* local, int localCount, iovec* remote, int remoteCount) =>
        direction == TransferDirection.Read
            ? Uio.process_vm_readv(pid, local, localCount, remote, remoteCount)
            : Uio.process_vm_writev(pid, local, localCount, remote, remoteCount);

    /// <summary>
    /// The kernel says EFAULT for either side, so one byte from the source of the transfer is read into memory that is known to be
    /// good.
    /// </summary>
    private static TransferFault SideOfHole(TransferDirection direction, int pid, nuint remoteAddress, nuint localAddress)
    {
        bool read = direction == TransferDirection.Read;
        byte good;
        iovec into = new((nuint)(&good), 1);
        iovec from = new(read ? remoteAddress : localAddress, 1);
        bool sourceIsGood = Uio.process_vm_readv(read ? pid : Environment.ProcessId, &into, 1, &from, 1).Succeeded;
        return sourceIsGood == read ? TransferFault.Local : TransferFault.Remote;
    }
}
