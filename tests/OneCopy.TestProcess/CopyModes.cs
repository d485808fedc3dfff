using OneCopy.Interop;

namespace OneCopy.TestProcess;

/// <summary>Copies that stop in the middle, to be looked at or killed.</summary>
internal static class CopyModes
{
    public static void AddTo(Dictionary<string, Func<string[], int>> modes)
    {
        modes.Add("copy-and-wait", CopyAndWait);
        modes.Add("copy-tree-as", CopyTreeAs);
    }

    /// <summary>SOURCE DESTINATION atomic|plain: after the first step it says "copying" and waits for a line.</summary>
    private static int CopyAndWait(string[] args)
    {
        FileCopier.Copy(args[0], args[1], new FileCopyOptions { Engine = CopyEngine.ReadWrite, Atomic = args[2] is "atomic" }, new Waiting());
        Console.WriteLine("copied");
        Console.ReadLine();
        return 0;
    }

    /// <summary>SOURCE DESTINATION UID: as that user, in a group of that number; one line for each failure, then "end".</summary>
    private static int CopyTreeAs(string[] args)
    {
        uint id = uint.Parse(args[2]);
        Credentials.setgroups().OrThrow("setgroups");
        Credentials.setresgid(id, id, id).OrThrow("setresgid");
        Credentials.setresuid(id, id, id).OrThrow("setresuid");
        TreeCopyResult result = FileCopier.CopyTree(args[0], args[1]);
        foreach (TreeCopyFailure failure in result.Failures)
            Console.WriteLine($"{Path.GetRelativePath(args[0], failure.Path)} {failure.Error.ErrnoName}");
        Console.WriteLine("end");
        return 0;
    }

    private sealed class Waiting : IProgress<FileCopyProgress>
    {
        private bool _waited;

        public void Report(FileCopyProgress value)
        {
            if (_waited)
                return;
            _waited = true;
            Console.WriteLine("copying");
            Console.ReadLine();
        }
    }
}
