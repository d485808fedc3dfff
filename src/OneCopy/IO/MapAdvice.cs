using OneCopy.Interop;

namespace OneCopy;

/// <summary>Advice that changes no byte of what a view shows: MADV_* of madvise(2).</summary>
public enum MapAdvice
{
    /// <summary>No special treatment: some read-ahead.</summary>
    Normal = Madv.Normal,

    /// <summary>Pages are used in no order: no read-ahead.</summary>
    Random = Madv.Random,

    /// <summary>Pages are used in order: much read-ahead, and given back soon.</summary>
    Sequential = Madv.Sequential,

    /// <summary>Wanted soon: reading begins, and is not waited for.</summary>
    WillNeed = Madv.WillNeed,

    /// <summary>A child of fork(2) does not have these pages.</summary>
    DontFork = Madv.DontFork,

    /// <summary>It has them again.</summary>
    DoFork = Madv.DoFork,

    /// <summary>Equal private pages may be merged (KSM).</summary>
    Mergeable = Madv.Mergeable,

    /// <summary>They may not.</summary>
    Unmergeable = Madv.Unmergeable,

    /// <summary>May be joined to transparent huge pages.</summary>
    HugePage = Madv.HugePage,

    /// <summary>May not.</summary>
    NoHugePage = Madv.NoHugePage,

    /// <summary>Left out of core dumps.</summary>
    DontDump = Madv.DontDump,

    /// <summary>In core dumps.</summary>
    DoDump = Madv.DoDump,

    /// <summary>Not wanted soon: taken first when memory is short. Linux 5.4.</summary>
    Cold = Madv.Cold,

    /// <summary>Given back now: written out or swapped, and read again at the next use. Linux 5.4.</summary>
    PageOut = Madv.PageOut,

    /// <summary>Joined to huge pages now, in this call. Linux 6.1.</summary>
    Collapse = Madv.Collapse,
}

/// <summary>Advice that destroys contents: MADV_* of madvise(2).</summary>
public enum DestructiveAdvice
{
    /// <summary>
    /// The pages leave this view: what a private view or memory without a file had is lost and zero (or the file's again); a shared view of a file reads it again.
    /// </summary>
    DontNeed = Madv.DontNeed,

    /// <summary>Memory without a file, private: contents may be lost from now on, until a page is written again.</summary>
    Free = Madv.Free,

    /// <summary>A hole is punched into the file under a shared view that can be written: zeros for everybody, and its blocks are free.</summary>
    Remove = Madv.Remove,
}

/// <summary>How <see cref="MappedView.Flush(long, long, FlushMode)"/> writes: MS_* of msync(2).</summary>
[Flags]
public enum FlushMode
{
    /// <summary>The kernel may take its time (since Linux 2.6.19 it does nothing at once: changed pages are written in its own time anyway).</summary>
    Async = Msync.Async,

    /// <summary>Others' maps of the file are made to see it. Nothing to do on Linux, where all share one page cache; EBUSY if a page is locked.</summary>
    Invalidate = Msync.Invalidate,

    /// <summary>Returns when the pages are on the device.</summary>
    Sync = Msync.Sync,
}

/// <summary>Which advice is known.</summary>
internal static class KnownAdvice
{
    // Enum.IsDefined keeps its table where every collection takes it away, and takes 296 bytes for the next one: these checks are on calls that allocate nothing.
    public static bool IsKnown(this MapAdvice advice) => advice is >= MapAdvice.Normal and <= MapAdvice.WillNeed or MapAdvice.DontFork or MapAdvice.DoFork or MapAdvice.Mergeable or MapAdvice.Unmergeable
        or MapAdvice.HugePage or MapAdvice.NoHugePage or MapAdvice.DontDump or MapAdvice.DoDump or MapAdvice.Cold or MapAdvice.PageOut or MapAdvice.Collapse;

    public static bool IsKnown(this DestructiveAdvice advice) => advice is DestructiveAdvice.DontNeed or DestructiveAdvice.Free or DestructiveAdvice.Remove;
}
