using OneCopy.Cli.Bench.Measuring;

namespace OneCopy.Cli.Bench.Files;

/// <summary>The ways to copy that take part: the engines of <see cref="FileCopier"/>. The first is what the others are compared with.</summary>
internal static class CopyWays
{
    private static readonly (string Name, CopyEngine Engine)[] s_engines =
    [
        ("read-write", CopyEngine.ReadWrite),
        ("parallel", CopyEngine.Parallel),
        ("vectored", CopyEngine.Vectored),
        ("mapped", CopyEngine.Mapped),
        ("copy-range", CopyEngine.CopyRange),
        ("clone", CopyEngine.Clone),
    ];

    public static IReadOnlyList<Trial> Of(WorkFiles files, bool cold, CancellationToken ct) =>
        [.. s_engines.Select(e => new CopyTrial(e.Name, files, cold, hasThreads: e.Engine == CopyEngine.Parallel, CopyBy(e.Engine, ct)))];

    private static Action<string, string> CopyBy(CopyEngine engine, CancellationToken ct)
    {
        // The bytes alone: owner, times and attributes take the same calls whatever moves the bytes.
        FileCopyOptions options = new() { Engine = engine, Preserve = FileMetadata.None };
        return (from, to) =>
        {
            try
            {
                FileCopier.Copy(from, to, options, progress: null, ct);
            }
            catch (OneCopyException e) when (engine is CopyEngine.Clone or CopyEngine.CopyRange && e.Errno is Interop.Errno.EOPNOTSUPP or Interop.Errno.ENOSYS or Interop.Errno.EINVAL or Interop.Errno.ENOTTY)
            {
                throw new NotHereException($"{e.Call} says {e.ErrnoName}: these file systems cannot.");
            }
        };
    }
}
