using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Memory;

/// <summary>
/// One process, by its pidfd and its start time: whatever becomes of its number, this stays with it. The transfer calls name
/// their target by number, so that they are put between this and a look at <see cref="HasExited"/>: a process that is alive
/// after a call was alive throughout it, and a number is given to nobody else while its process lives.
/// </summary>
internal sealed class PinnedProcess : IDisposable
{
    private readonly SafeFileHandle _pidfd;

    private PinnedProcess(int pid, SafeFileHandle pidfd)
    {
        Pid = pid;
        _pidfd = pidfd;
    }

    public int Pid { get; }

    /// <summary>Clock ticks after boot; 0 where /proc does not show it.</summary>
    public long StartTime { get; private init; }

    public bool IsDisposed => _pidfd.IsClosed;

    /// <summary>Whether it has ended: a zombie has.</summary>
    public bool HasExited
    {
        get
        {
            bool added = false;
            try
            {
                _pidfd.DangerousAddRef(ref added);
                return Pidfd.HasExited((int)_pidfd.DangerousGetHandle());
            }
            finally
            {
                if (added)
                    _pidfd.DangerousRelease();
            }
        }
    }

    public static PinnedProcess Open(int pid)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(pid);
        SysResult opened = Pidfd.pidfd_open(pid);
        if (!opened.Succeeded)
            throw Refused(pid, opened.Errno);
        SafeFileHandle pidfd = new(opened.Value, ownsHandle: true);
        PinnedProcess process = new(pid, pidfd) { StartTime = ProcessStatus.StartTimeOf(pid) };

        // Looked at after the start time was read: alive now, so the number was its own then.
        if (process.HasExited)
        {
            process.Dispose();
            throw Ended("pidfd_open", pid, 0);
        }
        return process;
    }

    /// <summary>Throws ESRCH, with what became of the number.</summary>
    public void ThrowIfExited(string call, string? consequence = null)
    {
        if (HasExited)
            throw Ended(call, Pid, StartTime, consequence);
    }

    /// <summary>The exception for a process that is not, or no longer, there.</summary>
    public static OneCopyException Ended(string call, int pid, long startTime, string? consequence = null)
    {
        long now = ProcessStatus.StartTimeOf(pid);
        string advice = startTime != 0 && now != 0 && now != startTime
            ? $"The process that was meant has ended, and its number now belongs to another one{NameOf(pid)}: find the new number."
            : AccessExplanation.Of(pid, Errno.ESRCH, TransferMethod.ProcessVm).ToString();
        return new OneCopyException(call, Errno.ESRCH, $"process {pid}", consequence is null ? advice : $"{advice} {consequence}");
    }

    public void Dispose() => _pidfd.Dispose();

    private static string NameOf(int pid) => ProcessStatus.Of(pid)?.Name is string name ? $" ({name})" : "";

    private static OneCopyException Refused(int pid, int errno) => errno switch
    {
        Errno.ESRCH => Ended("pidfd_open", pid, 0),

        // EINVAL until Linux 6.x, ENOENT in later ones.
        Errno.EINVAL or Errno.ENOENT => new OneCopyException(
            "pidfd_open", errno, $"process {pid}", "The number is a thread's: give its process's (Tgid in /proc/TID/status)."),
        Errno.ENOSYS => new OneCopyException(
            "pidfd_open", errno, $"process {pid}", "OneCopy needs Linux 5.3, or a seccomp profile that permits pidfd_open."),
        _ => new OneCopyException("pidfd_open", errno, $"process {pid}"),
    };
}
