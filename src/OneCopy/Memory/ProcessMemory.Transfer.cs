using System.Runtime.InteropServices;
using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy;

public sealed partial class ProcessMemory
{
    private static string CallOf(TransferDirection direction, TransferMethod method) => (direction, method) switch
    {
        (TransferDirection.Read, TransferMethod.ProcessVm) => "process_vm_readv",
        (TransferDirection.Write, TransferMethod.ProcessVm) => "process_vm_writev",
        (TransferDirection.Read, _) => "pread of /proc/PID/mem",
        _ => "pwrite of /proc/PID/mem",
    };

    /// <summary>The one place where bytes move. Faults are a result; everything else that can go wrong is thrown.</summary>
    private TransferResult Transfer(TransferDirection direction, ReadOnlySpan<iovec> remote, ReadOnlySpan<iovec> local)
    {
        ObjectDisposedException.ThrowIf(_target.IsDisposed, this);
        SegmentCursor remoteCursor = new(remote);
        SegmentCursor localCursor = new(local);
        TransferMethod method = _method;

        // The first look keeps a write from a stranger that has the number already; for a read the look behind it is enough.
        if (direction == TransferDirection.Write)
            _target.ThrowIfExited(CallOf(direction, method));
        TransferOutcome outcome = method == TransferMethod.ProcessVm
            ? SegmentTransfer.Run(direction, ProcessId, ref remoteCursor, ref localCursor)
            : ProcMemTransfer.Run(direction, _target, ref remoteCursor, ref localCursor);
        long moved = outcome.Bytes;

        // A filter can be installed at any time, and can take one of the two calls alone: so it is the refused call that decides.
        if (method == TransferMethod.ProcessVm && outcome.Errno is Errno.EPERM or Errno.EACCES or Errno.ENOSYS && CallIsBlocked(direction))
        {
            _method = method = TransferMethod.ProcMem;
            outcome = ProcMemTransfer.Run(direction, _target, ref remoteCursor, ref localCursor);
            moved += outcome.Bytes;
        }
        _target.ThrowIfExited(CallOf(direction, method), ConsequenceOf(direction, moved));
        return outcome.Errno switch
        {
            0 => new TransferResult(moved, TransferFault.None, null),
            Errno.EFAULT => new TransferResult(moved, outcome.Fault, outcome.Fault == TransferFault.Local ? localCursor.Address : remoteCursor.Address),
            Errno.ESRCH => throw PinnedProcess.Ended(CallOf(direction, method), ProcessId, StartTime, ConsequenceOf(direction, moved)),
            Errno.EPERM or Errno.EACCES or Errno.ENOSYS => throw new ProcessAccessDeniedException(
                CallOf(direction, method), AccessExplanation.Of(ProcessId, outcome.Errno, method)),
            _ => throw new OneCopyException(CallOf(direction, method), outcome.Errno, $"process {ProcessId}, after {moved} bytes"),
        };
    }

    private static bool CallIsBlocked(TransferDirection direction) =>
        direction == TransferDirection.Read ? ProcessVmProbe.IsBlocked(out _) : ProcessVmProbe.IsWriteBlocked(out _);

    private static string? ConsequenceOf(TransferDirection direction, long moved) => (direction, moved) switch
    {
        (_, 0) => null,
        (TransferDirection.Read, _) => $"The {moved} bytes that were read are not known to be its own: they are to be thrown away.",
        _ => $"{moved} bytes were written while it ended (if its number was taken over in that moment, to the process that took it).",
    };

    private static ReadOnlySpan<iovec> Native(ReadOnlySpan<RemoteSegment> segments) => MemoryMarshal.Cast<RemoteSegment, iovec>(segments);

    private static ReadOnlySpan<iovec> Native(ReadOnlySpan<LocalSegment> segments) => MemoryMarshal.Cast<LocalSegment, iovec>(segments);
}
