using System.Text;
using OneCopy.Interop;

namespace OneCopy;

/// <summary>
/// A system call failed, or shared state was not as it must be. Says which call, on what, with which errno, and what to do.
/// </summary>
public class OneCopyException : IOException
{
    /// <summary>Makes an exception for a failed system call.</summary>
    /// <param name="call">The call's name as in its manual page.</param>
    /// <param name="errno">errno(3) as the call left it; 0 if no call failed.</param>
    /// <param name="subject">What it was done to: a path, a process, an address.</param>
    /// <param name="advice">A sentence on what to do.</param>
    /// <param name="inner">The exception behind this one.</param>
    public OneCopyException(string call, int errno, string? subject = null, string? advice = null, Exception? inner = null)
        : base(Compose(call, errno, subject, advice), inner)
    {
        Call = call;
        Errno = errno;
        Subject = subject;
    }

    /// <summary>Makes an exception with a sentence of its own.</summary>
    /// <param name="message">What happened, to what, and what to do.</param>
    /// <param name="inner">The exception behind this one.</param>
    public OneCopyException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    /// <summary>The name of the system call that failed, or null.</summary>
    public string? Call { get; }

    /// <summary>The call's errno(3), or 0.</summary>
    public int Errno { get; }

    /// <summary>The errno's name, such as "ENOSPC", or null.</summary>
    public string? ErrnoName => Errno == 0 ? null : Interop.Errno.NameOf(Errno);

    /// <summary>What the call was done to.</summary>
    public string? Subject { get; }

    /// <summary>Whether the same thing, tried again later, can succeed without anybody changing anything.</summary>
    public virtual bool IsTransient => Errno is Interop.Errno.EAGAIN or Interop.Errno.EINTR or Interop.Errno.EBUSY;

    private static string Compose(string call, int errno, string? subject, string? advice)
    {
        StringBuilder text = new(call);
        if (subject is not null)
            text.Append(" on ").Append(subject);
        if (errno != 0)
            text.Append(" failed: ").Append(Describe(errno)).Append(" (").Append(Interop.Errno.NameOf(errno)).Append(')');
        text.Append('.');
        advice ??= AdviceFor(errno);
        if (advice is not null)
            text.Append(' ').Append(advice);
        return text.ToString();
    }

    private static string Describe(int errno) => System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(errno);

    private static string? AdviceFor(int errno) => errno switch
    {
        Interop.Errno.ENOSPC => "The file system is full: make room, or give the queue another directory or a smaller arena.",
        Interop.Errno.EDQUOT => "The user's quota on this file system is used up.",
        Interop.Errno.EMFILE => "This process has no file descriptors left: raise its limit (ulimit -n).",
        Interop.Errno.ENFILE => "The system has no file descriptors left (fs.file-max).",
        Interop.Errno.ENOMEM => "There is no memory left, or this process has too many mappings (vm.max_map_count).",
        Interop.Errno.ESRCH => "There is no such process: it has ended, or it lives in another pid namespace.",
        Interop.Errno.ENOSYS => "The kernel does not have this call, or a seccomp filter hides it.",
        _ => null,
    };
}
