using OneCopy.Interop;

namespace OneCopy;

/// <content>Symbolic links, copied as links.</content>
internal sealed unsafe partial class CopyWorker
{
    private const int MostOfPath = 4096; // PATH_MAX

    /// <summary>A link with the same text. EEXIST: the name is taken.</summary>
    public static SysResult MakeLink(in CopyPath from, in CopyPath to)
    {
        byte* text = stackalloc byte[MostOfPath + 1];
        SysResult r = At.readlinkat(from.Directory, from.Name, text, MostOfPath + 1);
        if (!r.Succeeded)
            return r;
        if (r.Value > MostOfPath)
            return SysResult.Failed(Errno.ENAMETOOLONG);
        text[r.Value] = 0;
        return At.symlinkat(text, to.Directory, to.Name);
    }

    /// <summary>The one that was given as the source.</summary>
    public CopyOutcome CopyLink(in CopyPath from, in CopyPath to, in statx status)
    {
        CopyOutcome skipped = new(0, 0, SourceChange.None, Skipped: true, Verified: false);
        SysResult r = MakeLink(from, to);
        if (r.Errno == Errno.EEXIST)
        {
            if (options.Existing == ExistingFile.Skip)
                return skipped;
            if (options.Existing == ExistingFile.Fail)
                throw Failure("symlink", r.Errno, to, "It exists, and was not to be replaced.");
            if (At.statx(to.Directory, to.Name, out statx there).Succeeded && SameFile(there, status))
                throw new OneCopyException("copy", Errno.EINVAL, $"{from} and {to}", "They are the same file: nothing was changed.");

            // By a rename, so that the name always leads somewhere.
            using NativePath temporary = NewTemporaryName();
            CopyPath hidden = new(to.Directory, temporary.Bytes, null);
            r = MakeLink(from, hidden);
            if (r.Succeeded)
                r = At.renameat2(to.Directory, temporary.Bytes, to.Directory, to.Name);
            if (!r.Succeeded)
                At.unlinkat(to.Directory, temporary.Bytes);
        }
        if (!r.Succeeded)
            throw Failure("symlink", r.Errno, to);
        Metadata.Losses.Clear();
        Metadata.KeepOfName(to, status);
        return skipped with { Skipped = false };
    }
}
