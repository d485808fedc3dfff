namespace OneCopy.Messaging;

/// <summary>
/// Whether this process can copy from, or to, a peer's memory: found by doing it. A refusal holds for some seconds and is then tried
/// again, since rights change (a process becomes dumpable, a setting of the system is changed), and a try costs one system call.
/// </summary>
internal sealed class AccessState
{
    // Long enough that a refused call in between is no cost, short enough that nobody restarts a process because of it.
    private const long RetryAfter = 10_000_000_000;

    private long _refusedAt;

    public PullAccess Access { get; private set; }

    /// <summary>errno of the last refusal.</summary>
    public int Errno { get; private set; }

    /// <summary>The last refusal in words; null if the last transfer was permitted, or none was tried.</summary>
    public ProcessAccess? Refusal { get; private set; }

    public bool MayBeTried => Access != PullAccess.Refused || Deadline.Now - Volatile.Read(ref _refusedAt) > RetryAfter;

    public void Allow()
    {
        if (Access == PullAccess.Allowed)
            return;
        Refusal = null;
        Access = PullAccess.Allowed;
    }

    public void Refuse(int errno, ProcessAccess? why = null)
    {
        Volatile.Write(ref _refusedAt, Deadline.Now);
        Errno = errno;
        Refusal = why;
        Access = PullAccess.Refused;
    }
}

/// <summary>Whether memory can be copied from, or to: found by doing it.</summary>
internal enum PullAccess
{
    Unknown,
    Allowed,
    Refused,
}
