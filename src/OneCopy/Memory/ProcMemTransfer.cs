using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Memory;

/// <summary>
/// The same transfer over /proc/PID/mem (proc_pid_mem(5)), for processes whose process_vm calls are blocked. That file ignores
/// the protection of pages (FOLL_FORCE, so that debuggers can set breakpoints), so the map is asked first and the outcome is
/// what the call would have given.
/// </summary>
internal static unsafe class ProcMemTransfer
{
    private const int PageSize = 4096;

    public static TransferOutcome Run(TransferDirection direction, PinnedProcess target, ref SegmentCursor remote, ref SegmentCursor local)
    {
        bool read = direction == TransferDirection.Read;
        SysResult opened = Fcntl.open($"/proc/{target.Pid}/mem", read ? OpenFlags.O_RDONLY : OpenFlags.O_WRONLY);
        if (!opened.Succeeded)
            return new TransferOutcome(0, opened.Errno == Errno.ENOENT ? Errno.ESRCH : opened.Errno);
        using SafeFileHandle file = new(opened.Value, ownsHandle: true);

        // The open file holds the memory itself, not the number: if the target lives now, then every byte comes from it or goes to it.
        if (target.HasExited)
            return new TransferOutcome(0, Errno.ESRCH);
        SysResult mapped = RegionMap.TryRead(target.Pid, out RegionMap map);
        if (!mapped.Succeeded)
            return new TransferOutcome(0, mapped.Errno);
        return Loop(read, (int)opened.Value, map, ref remote, ref local);
    }

    private static TransferOutcome Loop(bool read, int file, RegionMap map, ref SegmentCursor remote, ref SegmentCursor local)
    {
        long moved = 0;
        bool byPage = false;
        while (!local.AtEnd && !remote.AtEnd)
        {
            nuint length = nuint.Min(remote.Contiguous, local.Contiguous);
            length = map.Permitted(remote.Address, length, read ? MemoryProtection.Read : MemoryProtection.Write);
            if (length == 0)
                return new TransferOutcome(moved, Errno.EFAULT, TransferFault.Remote);
            if (byPage)
                length = nuint.Min(length, PageSize - (local.Address % PageSize));
            byte* buffer = (byte*)local.Address;
            SysResult r = read
                ? Fcntl.pread(file, buffer, length, (long)remote.Address)
                : Fcntl.pwrite(file, buffer, length, (long)remote.Address);
            switch (r.Errno)
            {
                case 0 when r.Value == 0:
                    return new TransferOutcome(moved, Errno.ESRCH);
                case 0:
                    local.Advance((nuint)r.Value);
                    remote.Advance((nuint)r.Value);
                    moved += r.Value;
                    break;
                case Errno.EINTR:
                    break;
                case Errno.EIO:
                    return new TransferOutcome(moved, Errno.EFAULT, TransferFault.Remote);

                // The kernel forgets here what it had moved before; page by page it cannot.
                case Errno.EFAULT when !byPage:
                    byPage = true;
                    break;
                case Errno.EFAULT:
                    return new TransferOutcome(moved, Errno.EFAULT, TransferFault.Local);
                default:
                    return new TransferOutcome(moved, r.Errno);
            }
        }
        return new TransferOutcome(moved, 0);
    }
}
