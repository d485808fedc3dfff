using OneCopy.Interop;

namespace OneCopy.IO;

/// <summary>Growth of a file with blocks that are its own from then on: a full file system says so here, and not by SIGBUS.</summary>
internal static unsafe class FileGrowth
{
    /// <summary>The byte whose lock a grower holds: the last one that a file can have, so that nobody's data is there.</summary>
    private const long GrowthByte = long.MaxValue - 1;

    // Descriptors of one open file share its lock, so threads of one process need another; by inode number, so that few wait for others.
    private static readonly Lock[] s_gates = [.. Enumerable.Range(0, 16).Select(_ => new Lock())];

    public static long LengthOf(int fd, string name)
    {
        Stat.Of(fd, out statx status).OrThrow("statx", name);
        return (long)status.stx_size;
    }

    /// <summary>Allocates a range and makes the file longer where the range is behind its end. On failure the file's length and contents are as they were.</summary>
    /// <param name="fd">Open for writing, and kept open.</param>
    /// <param name="from">The first byte to allocate.</param>
    /// <param name="to">The end.</param>
    /// <param name="name">For messages.</param>
    public static void Grow(int fd, long from, long to, string name)
    {
        if (to <= from)
            return;
        Stat.Of(fd, out statx status).OrThrow("statx", name);
        SysResult r;
        lock (s_gates[status.stx_ino % (ulong)s_gates.Length])
        {
            // Other processes that grow the file in this way wait, so that what is undone after a failure is ours.
            bool alone = OpenFileLock.Take(fd, GrowthByte).Succeeded;
            r = Allocate(fd, from, to, name, mayUndo: alone);
            if (alone)
                OpenFileLock.Release(fd, GrowthByte);
        }

        r.OrThrow("fallocate", name, AdviceFor(r.Errno));
    }

    private static SysResult Allocate(int fd, long from, long to, string name, bool mayUndo)
    {
        long before = LengthOf(fd, name);

        // First the blocks, then the length: some file systems keep the length that they came to. And no ftruncate to the new
        // length: if somebody else made the file longer meanwhile, that would cut it.
        SysResult r = FileLength.fallocate(fd, FileLength.FALLOC_FL_KEEP_SIZE, from, to - from);
        if (r.Succeeded)
            r = FileLength.fallocate(fd, 0, from, to - from);
        long reached = before;
        if (r.Errno == Errno.EOPNOTSUPP)
            r = WriteZeros(fd, ref reached, to);

        // Blocks behind the end, and zeros that were written, are given back; unless somebody else has made the file longer.
        if (!r.Succeeded && mayUndo && LengthOf(fd, name) == reached)
            FileLength.ftruncate(fd, before);
        return r;
    }

    /// <summary>For file systems that cannot allocate: what is behind the end is written; a hole before it stays one.</summary>
    private static SysResult WriteZeros(int fd, ref long reached, long to)
    {
        byte[] zeros = new byte[(int)Math.Min(1 << 20, Math.Max(0, to - reached))];
        fixed (byte* p = zeros)
        {
            while (reached < to)
            {
                SysResult r = Fcntl.pwrite(fd, p, (nuint)Math.Min(zeros.Length, to - reached), reached);
                if (r.Errno == Errno.EINTR)
                    continue;
                if (!r.Succeeded)
                    return r;
                reached += r.Value;
            }
        }

        return SysResult.Ok();
    }

    private static string? AdviceFor(int errno) => errno switch
    {
        Errno.ENOSPC => "The file system has no such room: make some. The file is as it was.",
        Errno.EBADF or Errno.EINVAL => "Was the file opened for writing?",
        Errno.EPERM => "The file is sealed against growing, immutable or append-only.",
        Errno.EFBIG => "Longer than the file system or the process's limit (RLIMIT_FSIZE) allows.",
        _ => null,
    };
}
