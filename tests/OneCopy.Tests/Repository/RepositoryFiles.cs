using System.Runtime.CompilerServices;

namespace OneCopy.Tests.Repository;

/// <summary>The checkout that this test was built from.</summary>
internal static class RepositoryFiles
{
    public static string Root { get; } = Find();

    public static string PathOf(string relative) => System.IO.Path.Combine(Root, relative);

    private static string Find([CallerFilePath] string here = "")
    {
        // Deterministic builds map the source path, so the output folder, which lies inside the checkout, is asked as well.
        foreach (string start in new[] { System.IO.Path.GetDirectoryName(here) ?? "", AppContext.BaseDirectory })
        {
            for (DirectoryInfo? d = new(start.Length == 0 ? "/" : start); d is not null; d = d.Parent)
            {
                if (File.Exists(System.IO.Path.Combine(d.FullName, "OneCopy.slnx")))
                    return d.FullName;
            }
        }

        throw new DirectoryNotFoundException("The tests do not lie inside their checkout.");
    }
}
