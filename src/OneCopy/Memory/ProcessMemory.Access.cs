using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy;

public sealed partial class ProcessMemory
{
    /// <summary>The target's map: what lies where, and what it allows. The target runs on, so it may be out of date at once.</summary>
    /// <returns>The regions in the order of their addresses.</returns>
    /// <exception cref="ProcessAccessDeniedException">EACCES: the map may not be seen.</exception>
    /// <exception cref="OneCopyException">ESRCH: the target has ended.</exception>
    /// <remarks>proc_pid_maps(5); needs the right to read (PTRACE_MODE_READ), which is a little less than a transfer needs.</remarks>
    public IReadOnlyList<MemoryRegion> Regions()
    {
        const string Call = "reading /proc/PID/maps";
        SysResult r = RegionMap.TryRead(ProcessId, out RegionMap map);
        _target.ThrowIfExited(Call);
        if (r.Errno is Errno.EACCES or Errno.EPERM)
            throw new ProcessAccessDeniedException(Call, AccessExplanation.Of(ProcessId, r.Errno, TransferMethod.ProcMem));
        r.OrThrow(Call, $"process {ProcessId}");
        return map.Regions;
    }

    /// <summary>Whether the target's memory may be read and written, found out by a real transfer of one byte; if not, why.</summary>
    /// <remarks>The kernel asks for the same rights in both directions between these two processes, but not if they changed
    /// places.</remarks>
    public ProcessAccess CheckAccess()
    {
        try
        {
            nuint address = AnyReadableAddress();
            byte value = 0;
            TransferResult result = ReadPartial(address, new Span<byte>(ref value));

            // The rights are checked before the address, so that a fault is a permission as well.
            string what = result.IsComplete ? "a byte was read" : "the address of the test is not mapped, but the kernel did look";
            return new ProcessAccess(ProcessId, AccessDenialReason.None, $"Process {ProcessId} may be read and written: {what}.", null, Method, 0);
        }
        catch (ProcessAccessDeniedException denied)
        {
            return denied.Access;
        }
        catch (OneCopyException e) when (e.Errno == Errno.ESRCH)
        {
            return AccessExplanation.Of(ProcessId, Errno.ESRCH, Method);
        }
    }

    /// <summary>As <see cref="CheckAccess()"/>, for a process that may not even be there: that is a reason like the others.</summary>
    /// <param name="pid">Its number in this process's pid namespace.</param>
    public static ProcessAccess CheckAccess(int pid)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(pid);
        ProcessMemory memory;
        try
        {
            memory = Open(pid);
        }
        catch (OneCopyException e) when (e.Errno == Errno.ESRCH)
        {
            return AccessExplanation.Of(pid, Errno.ESRCH, TransferMethod.ProcessVm);
        }
        using (memory)
            return memory.CheckAccess();
    }

    /// <summary>The first page that is readable; page 1, which is rarely mapped, if the map may not be seen.</summary>
    private nuint AnyReadableAddress()
    {
        RegionMap.TryRead(ProcessId, out RegionMap map);
        MemoryRegion? region = map.Regions.FirstOrDefault(r => r.Protection.HasFlag(MemoryProtection.Read));
        return region?.Start ?? (nuint)Environment.SystemPageSize;
    }
}
