using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>What can be done about a participant whose file cannot be read.</summary>
internal sealed unsafe partial class Participant
{
    /// <summary>
    /// Stands for a participant whose file is no participant's any more: no blocks, no counters, doorbells that nobody hears. It can be recovered and retired
    /// like any other, which gives back what it held and frees its place; what was in its own file is lost.
    /// </summary>
    public static Participant Unreadable(QueueDirectory directory, int index, long incarnation)
    {
        MemoryMapping zeros = MemoryMapping.OfZeros(Pages.Granularity);
        return new Participant(
            directory.ParticipantPath(index, incarnation), index, incarnation, new SafeFileHandle(-1, ownsHandle: false), zeros, null, 0, zeros.Address);
    }

    /// <summary>As <see cref="Probe"/>, of whatever has the name of that participant.</summary>
    /// <remarks>What is no regular file was never locked by a participant, and proves nothing.</remarks>
    public static Life ProbeByName(QueueDirectory directory, int index, long incarnation, out SafeFileHandle? proof)
    {
        proof = null;
        string path = directory.ParticipantPath(index, incarnation);
        bool regular = Stat.Of(path, out statx s, followLinks: false).Succeeded && (s.stx_mode & Stat.S_IFMT) == Stat.S_IFREG;
        return regular ? ProbeLock(Fcntl.open(path, OpenFlags.O_RDWR | OpenFlags.O_NOFOLLOW | OpenFlags.O_NONBLOCK), out proof) : Life.Alive;
    }

    /// <summary>
    /// Whether the process that the header names can be nobody else's choice. A file that only its owner may write says what its owner wrote. One
    /// that others may write as well could name a third process, for us to read: there the kernel is asked which process took the lock.
    /// </summary>
    public bool NamesItsOwnProcess()
    {
        const ushort WritableByOthers = 0x12; // 0022
        return (FileMode & WritableByOthers) == 0
            || (Stat.Of(_file.Fd(), out statx s).Succeeded && Memory.ProcessLocks.IsHeldBy(s.stx_ino, Pid));
    }
}
